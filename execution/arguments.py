"""What callers give as text, turned into values or refused, the same for every caller."""

import uuid
from collections.abc import Iterable
from decimal import Decimal

from common.identifiers import UUID_RULE, NoSymbol, canonical_uuid, read_declared_symbol, read_symbol
from common.money import AmountOutOfRangeError, parse_number, quantize_cash
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


def find_symbol(text: str) -> str | NoSymbol:
    """Return the symbol that a caller means by `text`, or why it is not clear; read as research is read.

    What could be a listing elsewhere and is a security of the books (MKC.V) is that security: at most one query,
    and none for what is clear.
    """
    found = read_symbol(text)
    if isinstance(found, str):
        return found
    declared = read_declared_symbol(text)
    if not isinstance(declared, str):
        return found
    from portfolios.selectors import books  # noqa: PLC0415  # price sources are imported before the models are ready

    return declared if books.securities([declared]) else found


def parse_symbol(text: str, *, name: str, code: Code) -> str | Refusal:
    """Return the symbol in `text`, or a refusal with `code` that names `name`, the option or field."""
    found = find_symbol(text)
    return (
        found if isinstance(found, str) else Refusal(code, f"{name} {one_line(text)}: not a symbol: {found.rule}")
    )


def parse_symbols(texts: Iterable[str], *, name: str) -> frozenset[str] | Refusal:
    """Return the symbols in `texts`, or a refusal for the first that is none."""
    found = [parse_symbol(text, name=name, code=Code.BAD_OPTION) for text in texts]
    refused = next((item for item in found if isinstance(item, Refusal)), None)
    return refused or frozenset(item for item in found if isinstance(item, str))


def parse_amount(text: str, *, name: str) -> Decimal | Refusal:
    """Return an amount of cash above zero in whole cents, or why it is none."""
    amount = parse_number(text)
    if amount is None:
        return Refusal(Code.BAD_AMOUNT, f"{name} is {one_line(text)}: not a number")
    try:
        cents = quantize_cash(amount)
    except AmountOutOfRangeError:
        return Refusal(Code.BAD_AMOUNT, f"{name} is {one_line(text)}: not an amount that the books can hold")
    if amount > 0 and cents == 0:
        return Refusal(Code.BAD_AMOUNT, f"{name} is {one_line(text)}: rounds to 0.00, and must be above zero")
    if cents <= 0:
        return Refusal(Code.BAD_AMOUNT, f"{name} is {one_line(text)}: must be above zero")
    if cents != amount:
        return Refusal(Code.BAD_AMOUNT, f"{name} is {one_line(text)}: has parts of a cent")
    return cents
