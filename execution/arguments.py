"""What callers give as text, turned into values or refused, the same at every door."""

import re
import uuid
from decimal import Decimal, InvalidOperation

from common.money import AmountOutOfRangeError, quantize_cash
from common.text import one_line
from execution.engine.vocabulary import Code, Refusal
from portfolios.selectors.books import PROVIDERS

_CANONICAL_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)

# Names that other tools give to the same providers.
_PROVIDER_ALIASES = {"claude": "anthropic", "google": "gemini"}


def parse_id(text: str, *, name: str) -> uuid.UUID | Refusal:
    """Return the UUID in `text`, which must be written canonically: lower case, hyphens, nothing around it.

    An id becomes part of a path, so this is checked before any path is built.
    """
    if not _CANONICAL_UUID.fullmatch(text):
        rule = "not a canonical UUID such as 79b9930c-3a6f-4f41-ae9b-a3fa8ec37ef2"
        return Refusal(Code.BAD_ID, f"{name} is {one_line(text)}: {rule}")
    return uuid.UUID(text)


def parse_provider(text: str) -> str | Refusal:
    """Return the provider's id, or a refusal that lists the known ones."""
    if text not in PROVIDERS:
        return Refusal(
            Code.UNKNOWN_PROVIDER, f"provider {one_line(text)} is not known: one of {', '.join(PROVIDERS)}"
        )
    return text


def provider_meant(text: str) -> str | None:
    """Return the provider that a document means by `text`, None for a word that means none of ours."""
    word = text.strip().lower()
    word = _PROVIDER_ALIASES.get(word, word)
    return word if word in PROVIDERS else None


def parse_amount(text: str, *, name: str) -> Decimal | Refusal:
    """Return an amount of cash above zero in whole cents, or why it is none."""
    try:
        amount = Decimal(text.strip())
        cents = quantize_cash(amount)
    except InvalidOperation:
        return Refusal(Code.BAD_AMOUNT, f"{name} is {one_line(text)}: not a number")
    except AmountOutOfRangeError:
        return Refusal(Code.BAD_AMOUNT, f"{name} is {one_line(text)}: not an amount that the books can hold")
    if cents <= 0:
        return Refusal(Code.BAD_AMOUNT, f"{name} is {one_line(text)}: must be above zero")
    if cents != amount:
        return Refusal(Code.BAD_AMOUNT, f"{name} is {one_line(text)}: has parts of a cent")
    return cents
