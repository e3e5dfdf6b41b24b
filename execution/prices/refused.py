"""Prices of what is held that nobody may use before a person has looked: they are kept, settled and accepted here.

A holding whose new price is held back keeps its last mark, and is sized and valued by it. So that this is not
silent, the price stands in a table until somebody accepts it, or until a later price is used.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Q

from common.db.retry import run_transaction
from execution.engine.planning.market import Quote
from execution.engine.planning.price_checks import HeldBack, Screened
from execution.engine.vocabulary import Code, Refusal
from execution.models import RefusedPrice
from execution.prices.sources.database import STORED
from portfolios import ledger, reference_data
from portfolios.reference_data import PriceData
from portfolios.selectors import books, stored_prices

_Resolution = RefusedPrice.Resolution
_ACCEPTED_IN_CALL = "Accepted with the call that used it"


@dataclass(frozen=True, slots=True)
class AcceptedPrice:
    """What accepting a price did: `positions` were marked at it, and `accounts` valued.

    `out_of_range` says by account id which ones were left out, because the books could not hold their values.
    """

    symbol: str
    price: str
    accounts: int
    positions: int
    out_of_range: Mapping[str, str]


def source_of(quote: Quote) -> str:
    """Return who said a price first: what the books repeat is from whom they have it."""
    return quote.source.removeprefix(STORED)


def note_refused(screened: Screened, *, accepted: Collection[str], actor: str, now: datetime) -> None:
    """Keep which prices of what is held wait for a person, and settle those that a used price has overtaken.

    `accepted` are the symbols whose price `actor` stands by. Wants an open transaction. One query where no price is
    held back, else a few, however many are; one more for each that is settled.
    """
    _settle(screened.quotes, accepted=accepted, actor=actor, now=now)
    if screened.held_back:
        _keep(screened.held_back, now=now)


def accepted_before(held_back: Mapping[str, HeldBack]) -> frozenset[str]:
    """Return the symbols among `held_back` whose very price somebody has accepted already. At most one query."""
    rows = RefusedPrice.objects.filter(resolution=_Resolution.ACCEPTED, security_id__in=sorted(held_back))
    known = {(row.security_id, row.source, row.as_of, row.price) for row in rows} if held_back else set()
    return frozenset(
        symbol
        for symbol, item in held_back.items()
        if (symbol, source_of(item.quote), item.quote.as_of, item.quote.price) in known
    )


def accept_price(refused_id: int, *, actor: str, reason: str, now: datetime) -> AcceptedPrice | Refusal:
    """Accept a price that waits: store it, mark every holding of its symbol at it, and value their accounts. Once.

    Refused for an unknown one (PRICE_NOT_FOUND), one that does not wait or is per unit of before a split
    (PRICE_NOT_WAITING), and without an actor
    and a reason (REASON_MISSING). Must not be called inside a transaction.
    """
    if not actor.strip() or not reason.strip():
        return Refusal(Code.REASON_MISSING, "accepting a price needs a person and a reason")
    return run_transaction(lambda: _accept_once(refused_id, actor=actor, reason=reason.strip(), now=now))


def find_waiting(symbol: str) -> RefusedPrice | Refusal:
    """Return the newest price of `symbol` that waits for a person, or why there is none."""
    found = RefusedPrice.objects.filter(security_id=symbol, resolved_at=None).order_by("-as_of", "-pk").first()
    return found or Refusal(Code.PRICE_NOT_FOUND, f"no price of {symbol} waits for a person")


def _accept_once(refused_id: int, *, actor: str, reason: str, now: datetime) -> AcceptedPrice | Refusal:
    with transaction.atomic(durable=True):
        row = RefusedPrice.objects.filter(pk=refused_id).first()
        if row is None:
            return Refusal(Code.PRICE_NOT_FOUND, f"refused price {refused_id} does not exist")
        if stored_prices.of_former_units({row.security_id: row.as_of}, now=now):
            said = "is from before a split: value the holdings at a newer one"
            return Refusal(Code.PRICE_NOT_WAITING, f"the price {row} {said}")
        # Locks in the order of a run, so that the two never wait for each other: accounts, the price, this row.
        result = ledger.mark_symbol(row.security_id, price=row.price, now=now)
        reference_data.store_prices(
            [PriceData(symbol=row.security_id, price=row.price, source=row.source, as_of=row.as_of)]
        )
        waiting = RefusedPrice.objects.filter(pk=row.pk, resolved_at=None)
        resolved = {"resolved_at": now, "resolved_by": actor}
        if not waiting.update(resolution=_Resolution.ACCEPTED, reason=reason, **resolved):
            refusal = _not_waiting(RefusedPrice.objects.get(pk=row.pk))
            transaction.set_rollback(True)
            return refusal
        older = RefusedPrice.objects.filter(security_id=row.security_id, as_of__lte=row.as_of, resolved_at=None)
        older.update(resolution=_Resolution.SUPERSEDED, **resolved)
    return AcceptedPrice(
        symbol=row.security_id,
        price=f"{row.price:f}",
        accounts=result.accounts,
        positions=result.positions,
        out_of_range={str(key): problem for key, problem in result.out_of_range.items()},
    )


def _not_waiting(row: RefusedPrice) -> Refusal:
    by = f" by {row.resolved_by}" if row.resolved_by else ""
    when = f"{row.resolved_at:%Y-%m-%d %H:%M} UTC" if row.resolved_at else ""
    return Refusal(
        Code.PRICE_NOT_WAITING,
        f"the price {row} does not wait: {row.get_resolution_display().lower()}{by} at {when}",
    )


def _settle(quotes: Mapping[str, Quote], *, accepted: Collection[str], actor: str, now: datetime) -> None:
    waiting = RefusedPrice.objects.filter(security_id__in=sorted(quotes), resolved_at=None)
    for row in waiting.order_by("security_id", "pk"):
        quote = quotes[row.security_id]
        if quote.simulated or quote.as_of < row.as_of:
            continue
        is_this = bool(actor) and quote.price == row.price and row.security_id in accepted
        row.resolution = _Resolution.ACCEPTED if is_this else _Resolution.SUPERSEDED
        row.resolved_at, row.resolved_by, row.reason = now, actor, _ACCEPTED_IN_CALL if is_this else ""
        row.save(update_fields=["resolution", "resolved_at", "resolved_by", "reason"])


def _keep(held_back: Mapping[str, HeldBack], *, now: datetime) -> None:
    wanted = _waiting_of_held(held_back)
    later = RefusedPrice.objects.filter(security_id__in=sorted(wanted), resolved_at=None)
    newest = {row.security_id: row.as_of for row in later.order_by("as_of")}
    rows = [
        _row(symbol, item, now=now)
        for symbol, item in sorted(wanted.items())
        if item.quote.as_of >= newest.get(symbol, item.quote.as_of)
    ]
    if not rows:
        return
    overtaken = Q()
    for row in rows:
        overtaken |= Q(security_id=row.security_id) & ~Q(source=row.source, as_of=row.as_of)
    later.filter(overtaken).update(resolution=_Resolution.SUPERSEDED, resolved_at=now)
    changing = [field.name for field in RefusedPrice._meta.concrete_fields if not field.primary_key]
    RefusedPrice.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["security", "source", "as_of"],
        update_fields=[name for name in changing if name not in ("security", "source", "as_of")],
    )


def _waiting_of_held(held_back: Mapping[str, HeldBack]) -> dict[str, HeldBack]:
    """Return the prices of what somebody holds at another mark."""
    marks = books.marks_of(held_back)
    return {symbol: item for symbol, item in held_back.items() if _differs(item.quote.price, marks.get(symbol, ()))}


def _differs(price: Decimal, marks: Iterable[Decimal]) -> bool:
    return any(mark != price for mark in marks)


def _row(symbol: str, item: HeldBack, *, now: datetime) -> RefusedPrice:
    return RefusedPrice(
        security_id=symbol,
        price=item.quote.price,
        source=source_of(item.quote),
        as_of=item.quote.as_of,
        reference=item.reference,
        basis=item.basis,
        band_percent=item.band_percent,
        refused_at=now,
    )
