"""Where the cash of an account began, and what may explain that it does not follow from its orders. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations

from common.money import (
    ZERO,
)
from portfolios.importers.folios_v2.findings import Rule

DEFAULT_OPENING = Decimal("100000.00")  # the predecessor's own default for a new account


@dataclass(frozen=True, slots=True)
class Guess:
    """A reason why the stored cash may not follow from the booked orders, and the cash that it explains."""

    words: str
    cash: Decimal
    rule: Rule = Rule.CASH_EXPLAINED


def explanation(begins: Decimal, guesses: Sequence[Guess], *, tolerance: Decimal) -> list[Guess] | None:
    """Return the fewest guesses that make the account begin with the default balance, or None."""
    for count in range(len(guesses) + 1):
        for chosen in combinations(guesses, count):
            explained = sum((guess.cash for guess in chosen), ZERO)
            if abs(begins - explained - DEFAULT_OPENING) <= tolerance:
                return list(chosen)
    return None
