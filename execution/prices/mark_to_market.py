"""Marks to market: asks for the price of everything that is held, once, and values every account at it."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from execution.engine.planning.price_checks import Screened
from execution.prices.chain import PriceChain
from execution.prices.refused import note_refused
from execution.prices.store import keep, screen_quotes, without_default_prices
from portfolios.ledger import ValuationResult, mark_accounts
from portfolios.selectors import books

CHUNK_SIZE = 500  # accounts a transaction: others wait for it no longer than a moment


@dataclass(frozen=True, slots=True)
class ValuationReport:
    """What a mark to market came to. Accounts in `left_out` have changed, or were valued, since `as_of`.

    `unpriced` and `held_back` say by symbol why a holding kept its last mark. `out_of_range` says by account why it
    kept all of them: its values at the new ones are larger than the books hold.
    """

    as_of: str
    accounts: int
    positions: int
    symbols: int
    unpriced: Mapping[str, str]
    held_back: Mapping[str, str]
    left_out: tuple[str, ...]
    out_of_range: Mapping[str, str] = field(default_factory=dict)

    def as_data(self) -> dict[str, Any]:
        """Return the report as JSON-ready values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Marks:
    """Prices for what is held: those that may be used, those that wait for a person, and why others have none."""

    screened: Screened
    unpriced: Mapping[str, str]


def mark_to_market(
    *,
    prices: PriceChain,
    accepted: Collection[str],
    band_percent: Decimal,
    as_of: datetime,
    now: datetime,
    actor: str = "",
    chunk_size: int = CHUNK_SIZE,
) -> ValuationReport:
    """Price every holding of every account once, store the prices, and mark and value the accounts in chunks.

    A default price values nothing. A price farther than `band_percent` from the last close is held back unless its
    symbol is `accepted`, by `actor`, and waits for a person. An account that the books could not hold at the new
    marks is left out and named, and the others are valued. Each chunk is a transaction of its own: a call that
    was stopped is made again for the same `as_of`, and leaves out what is done. Must not be called inside a
    transaction.
    """
    found = find_marks(prices=prices, accepted=accepted, band_percent=band_percent)
    with transaction.atomic():
        keep(found.screened.quotes)
        note_refused(found.screened, accepted=accepted, actor=actor, now=now)
    marks = {symbol: quote.price for symbol, quote in found.screened.quotes.items()}
    done = _in_chunks(marks, as_of=as_of, now=now, chunk_size=chunk_size)
    return _report(found.screened, done, unpriced=found.unpriced, as_of=as_of)


def find_marks(*, prices: PriceChain, accepted: Collection[str], band_percent: Decimal) -> Marks:
    """Return the prices at which everything that is held would be marked. Writes nothing."""
    answer = without_default_prices(prices.ask(books.symbols_held()))
    screened = screen_quotes(answer.quotes, lines=(), accepted=accepted, band_percent=band_percent)
    return Marks(screened, dict(sorted(answer.reasons.items())))


def _in_chunks(
    marks: Mapping[str, Decimal], *, as_of: datetime, now: datetime, chunk_size: int
) -> list[ValuationResult]:
    ids = books.account_ids()
    chunks = [ids[start : start + chunk_size] for start in range(0, len(ids), chunk_size)]
    return [mark_accounts(chunk, marks=marks, as_of=as_of, now=now) for chunk in chunks]


def _report(
    screened: Screened, done: Collection[ValuationResult], *, unpriced: Mapping[str, str], as_of: datetime
) -> ValuationReport:
    return ValuationReport(
        as_of=as_of.isoformat(),
        accounts=sum(chunk.accounts for chunk in done),
        positions=sum(chunk.positions for chunk in done),
        symbols=len(screened.quotes),
        unpriced=dict(unpriced),
        held_back={symbol: price.words for symbol, price in sorted(screened.held_back.items())},
        left_out=tuple(str(account) for chunk in done for account in chunk.left_out),
        out_of_range={str(key): problem for chunk in done for key, problem in chunk.out_of_range.items()},
    )
