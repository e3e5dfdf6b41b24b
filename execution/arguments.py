"""What callers give as text, turned into values or refused, the same for every caller."""

import uuid
from decimal import Decimal, InvalidOperation

from common.identifiers import UUID_RULE, canonical_uuid
from common.money import AmountOutOfRangeError, quantize_cash
from common.text import one_line
from execution.engine.vocabulary import Code, Refusal
from portfolios.domain.vocabulary import Provider


def parse_id(text: str, *, name: str) -> uuid.UUID | Refusal:
    """Return the UUID in `text`, which must be written canonically: lower case, hyphens, nothing around it.

    An id becomes part of a path, so this is checked before any path is built.
    """
    found = canonical_uuid(text)
    return found if found is not None else Refusal(Code.BAD_ID, f"{name} is {one_line(text)}: {UUID_RULE}")


def parse_provider(text: str) -> str | Refusal:
    """Return the provider's id, or a refusal that lists the known ones."""
    if text not in Provider.values:
        return Refusal(
            Code.UNKNOWN_PROVIDER, f"provider {one_line(text)} is not known: one of {', '.join(Provider.values)}"
        )
    return text


def parse_amount(text: str, *, name: str) -> Decimal | Refusal:
    """Return an amount of cash above zero in whole cents, or why it is none."""
    try:
        amount = Decimal(text.strip())
        cents = quantize_cash(amount)
    except InvalidOperation:
        return Refusal(Code.BAD_AMOUNT, f"{name} is {one_line(text)}: not a number")
    except AmountOutOfRangeError:
        return Refusal(Code.BAD_AMOUNT, f"{name} is {one_line(text)}: not an amount that the books can hold")
    if amount > 0 and cents == 0:
        return Refusal(Code.BAD_AMOUNT, f"{name} is {one_line(text)}: rounds to 0.00, and must be above zero")
    if cents <= 0:
        return Refusal(Code.BAD_AMOUNT, f"{name} is {one_line(text)}: must be above zero")
    if cents != amount:
        return Refusal(Code.BAD_AMOUNT, f"{name} is {one_line(text)}: has parts of a cent")
    return cents
