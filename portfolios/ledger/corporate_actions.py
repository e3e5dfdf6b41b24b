"""Splits, dividends and changes of symbol: on what was held at the close before their day, in the books, once.

The action itself is a row with a unique key, written in the same transaction as what it does to the accounts. So a
second call finds it and changes nothing, but for accounts that were left out and can be booked now. A preview works
out the same and writes nothing.
"""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

from django.db import transaction

from common.identifiers import NoSymbol, read_declared_symbol
from common.money import UNIT_LIMIT, AmountOutOfRangeError, quantize_average, quantize_price
from portfolios import reference_data
from portfolios.domain.exchange_day import exchange_day
from portfolios.domain.split import NoSplitPriceError, Split
from portfolios.domain.symbol_history import HistoryError
from portfolios.ledger.action_order import ratios_of, require_in_order
from portfolios.ledger.action_types import AccountEffect, ActionReport, Effect
from portfolios.ledger.audit_context import AuditContext
from portfolios.ledger.locks import lock_accounts, lock_securities
from portfolios.ledger.positions import (
    AccountEntries,
    WorkedOut,
    pay_dividend,
    split_position,
    transfer_position,
    write_all,
)
from portfolios.ledger.refusals import CannotBookError
from portfolios.models import CorporateAction, LedgerEntry, PortfolioAccount, Security
from portfolios.selectors import books, stored_prices

_Kind = CorporateAction.Kind
_LARGEST_RATIO = 10**6


@dataclass(frozen=True, slots=True)
class _Planned:
    """An action that is still to be booked, and what it does to one account."""

    action: CorporateAction
    book: Callable[[AccountEntries, AuditContext], WorkedOut]
    symbols: Sequence[str]

    @property
    def terms(self) -> str:
        """The terms of the action in short."""
        return self.action.terms


def apply_split(
    *, symbol: str, ratio: Fraction, on: date, price: Decimal | None = None, context: AuditContext
) -> ActionReport:
    """Split what was held of `symbol` at the close before `on`, `ratio` new units for one old. Costs stay.

    What is left below a step is paid in cash at `price` per new unit, by default the last stored price. Units
    traded since keep their size. An account whose later trades are impossible then is left out and reported. Must
    not be called inside a transaction. Raises CannotBookError for an unknown symbol, a ratio that is none, a day to
    come, another ratio for the same day, a later action that has to be reversed first, and a rest without a price.
    """
    return _booked(lambda: _split(symbol, ratio, on, price, context), [symbol], context)


def preview_split(
    *, symbol: str, ratio: Fraction, on: date, price: Decimal | None = None, context: AuditContext
) -> ActionReport:
    """Return what `apply_split` would do. Raises CannotBookError as it does."""
    return _previewed(lambda: _split(symbol, ratio, on, price, context), context)


def record_dividend(*, symbol: str, per_share: Decimal, on: date, context: AuditContext) -> ActionReport:
    """Pay `per_share` of cash on what was held of `symbol` at the close before `on`, the ex-date; shorts pay it.

    Who has sold since is paid as well. What a short cannot pay is owed. Must not be called inside a transaction.
    Raises CannotBookError for an unknown symbol, an amount that is none, a day to come, or another amount booked
    for the same day.
    """
    return _booked(lambda: _dividend(symbol, per_share, on, context), [symbol], context)


def preview_dividend(*, symbol: str, per_share: Decimal, on: date, context: AuditContext) -> ActionReport:
    """Return what `record_dividend` would do. Raises CannotBookError as it does."""
    return _previewed(lambda: _dividend(symbol, per_share, on, context), context)


def change_symbol(*, old: str, new: str, on: date, context: AuditContext) -> ActionReport:
    """Carry every holding of `old` over to `new`, with its cost and its history; prices of `old` before `on` are
    prices of `new`. A symbol `new` that is not known yet gets what is known of `old`, which is not traded any more.

    An account that is long in one and short in the other is left out and reported. Must not be called inside a
    transaction. Raises CannotBookError for an unknown `old`, the same symbol twice, or a day to come.
    """
    return _booked(lambda: _symbol_change(old, new, on, context), [old, new], context)


def preview_symbol_change(*, old: str, new: str, on: date, context: AuditContext) -> ActionReport:
    """Return what `change_symbol` would do. Raises CannotBookError as it does."""
    return _previewed(lambda: _symbol_change(old, new, on, context), context)


def _split(symbol: str, ratio: Fraction, on: date, price: Decimal | None, context: AuditContext) -> _Planned:
    security = _security(symbol, on, context)
    value = _ratio_as_stored(ratio)
    paid = _split_price(symbol, on, ratio, price)
    ratios = ratios_of(symbol)
    new, old = ratio.numerator, ratio.denominator
    action = _action(_Kind.SPLIT, security, value, on, context, new_units=new, old_units=old, price=paid)

    split = Split(on=on, ratio=ratio, step=security.quantity_step, price=action.price or paid)

    def book(found: AccountEntries, context: AuditContext) -> WorkedOut:
        return split_position(found, action=action, split=split, ratios=ratios, context=context)

    return _Planned(action, book, [symbol])


def _dividend(symbol: str, per_share: Decimal, on: date, context: AuditContext) -> _Planned:
    security = _security(symbol, on, context)
    action = _action(_Kind.DIVIDEND, security, _amount_as_stored(per_share), on, context)

    def book(found: AccountEntries, context: AuditContext) -> WorkedOut:
        return pay_dividend(found, action=action, context=context)

    return _Planned(action, book, stored_prices.symbols_of(symbol))


def _symbol_change(old: str, new: str, on: date, context: AuditContext) -> _Planned:
    if old == new:
        raise CannotBookError(f"symbol is {new}: it has that name already")
    found = read_declared_symbol(new)
    if found != new:
        rule = found.rule if isinstance(found, NoSymbol) else f"it is written {found}"
        raise CannotBookError(f"symbol is {new!r}: not a symbol such as META or BRK.B, {rule}")
    security = _security(old, on, context)
    action = _action(_Kind.SYMBOL_CHANGE, security, Decimal(1), on, context, successor_id=new)

    def book(found: AccountEntries, context: AuditContext) -> WorkedOut:
        return transfer_position(found, action=action, context=context)

    return _Planned(action, book, [old, new])


def _security(symbol: str, on: date, context: AuditContext) -> Security:
    security = books.securities([symbol]).get(symbol)
    if security is None:
        raise CannotBookError(f"symbol is {symbol}: not a known security")
    today = exchange_day(context.now)
    if on > today:
        raise CannotBookError(f"date is {on}: still to come, today is {today} in New York")
    return security


def _action(
    kind: CorporateAction.Kind, security: Security, value: Decimal, on: date, context: AuditContext, **terms: object
) -> CorporateAction:
    """Return the action that stands for the day, or a new one. Raises CannotBookError where other terms stand."""
    columns = {"value": value, **terms}
    standing = CorporateAction.objects.filter(
        security=security, kind=kind, effective_on=on, reversed_at=None
    ).first()
    if standing is None:
        action = CorporateAction(
            security=security, kind=kind, effective_on=on, account_count=0, actor=context.actor,
            reason=context.reason, booked_at=context.now, **columns,
        )  # fmt: skip
        require_in_order(action)
        return action
    asked_for = {name: column for name, column in columns.items() if name != "price"}
    if any(getattr(standing, name) != column for name, column in asked_for.items()):
        have, want = standing.terms, CorporateAction(kind=kind, **columns).terms
        raise CannotBookError(
            f"{security.symbol} has a {standing.get_kind_display().lower()} of {have} on {on} already, now {want} "
            "is asked for: reverse that one first"
        )
    return standing


def _ratio_as_stored(ratio: Fraction) -> Decimal:
    """The ratio in 6 places, for people; the action keeps both its numbers."""
    if ratio <= 0:
        raise CannotBookError(f"ratio is {ratio}: must be above zero")
    if ratio == 1:
        raise CannotBookError("ratio is 1: nothing changes")
    if max(ratio.numerator, ratio.denominator) > _LARGEST_RATIO:
        raise CannotBookError(f"ratio is {ratio}: at most {_LARGEST_RATIO:,} units for one")
    return quantize_average(Decimal(ratio.numerator) / Decimal(ratio.denominator))


def _amount_as_stored(amount: Decimal) -> Decimal:
    if not amount.is_finite() or not 0 < amount < UNIT_LIMIT:
        raise CannotBookError(f"dividend is {amount}: must be above zero and below {UNIT_LIMIT:,}")
    stored = quantize_average(amount)
    if not stored or stored != amount:
        raise CannotBookError(f"dividend is {amount}: at most 6 places")
    return stored


def _split_price(symbol: str, on: date, ratio: Fraction, price: Decimal | None) -> Decimal | None:
    """The price per new unit that a rest is paid at: the one given, else the last that was known on the day."""
    if price is None:
        return stored_prices.price_at_split(symbol, on=on, ratio=ratio)
    if not price.is_finite() or not 0 < price < UNIT_LIMIT or not quantize_price(price):
        raise CannotBookError(f"price is {price}: must be above zero and below {UNIT_LIMIT:,}")
    return quantize_price(price)


def _reason(planned: _Planned, context: AuditContext) -> AuditContext:
    """Every entry says what it belongs to, and why it was booked where a person says so."""
    action = planned.action
    words = {
        _Kind.SPLIT: f"Split {planned.terms} on {action.effective_on}",
        _Kind.DIVIDEND: f"Dividend {planned.terms} per unit on {action.effective_on}",
        _Kind.SYMBOL_CHANGE: f"{action.security_id} is {planned.terms} from {action.effective_on} on",
    }[_Kind(action.kind)]
    return replace(context, reason=f"{words}: {context.reason}" if context.reason.strip() else words)


def _booked(plan: Callable[[], _Planned], symbols: Sequence[str], context: AuditContext) -> ActionReport:
    with transaction.atomic(durable=True):
        lock_securities(symbols)
        planned = plan()
        context = _reason(planned, context)
        action, repeated = _written(planned.action)
        planned.action.pk, planned.action._state.adding = action.pk, False
        accounts = lock_accounts(_concerned(planned))
        worked_out = _work_out(planned, accounts, context)
        booked = [each for each in worked_out if each.effect.effect is Effect.BOOKED]
        if not booked and not repeated:
            _require_none_left_out(worked_out)
        write_all(worked_out, context)
        _count(action, len(booked))
    return _report(planned, action.pk, worked_out, repeated=repeated and not booked)


def _require_none_left_out(worked_out: Sequence[WorkedOut]) -> None:
    """Raise CannotBookError where there is nothing to book because of accounts that a person has to look at."""
    left_out = [each.effect for each in worked_out if each.effect.effect is Effect.LEFT_OUT]
    if left_out:
        raise CannotBookError("; ".join(f"account {each.account_id}: {each.message}" for each in left_out))


def _written(action: CorporateAction) -> tuple[CorporateAction, bool]:
    """Write the action, or return the one that another call has written since, which must say the same."""
    if not action._state.adding:
        return action, True
    if action.kind == _Kind.SYMBOL_CHANGE:
        reference_data.succeed_security(old=action.security_id, new=str(action.successor_id))
    terms = (
        "value",
        "new_units",
        "old_units",
        "price",
        "successor_id",
        "account_count",
        "actor",
        "reason",
        "booked_at",
    )
    row, created = CorporateAction.objects.get_or_create(
        security_id=action.security_id,
        kind=action.kind,
        effective_on=action.effective_on,
        reversed_at=None,
        defaults={name: getattr(action, name) for name in terms},
    )
    if (row.value, row.successor_id) != (action.value, action.successor_id):
        raise CannotBookError(f"{row} has been booked meanwhile: look again")
    return row, not created


def _count(action: CorporateAction, booked: int) -> None:
    if booked:
        action.account_count += booked
        action.save(update_fields=["account_count"])


def _previewed(plan: Callable[[], _Planned], context: AuditContext) -> ActionReport:
    with books.one_snapshot():
        planned = plan()
        accounts = list(PortfolioAccount.objects.filter(pk__in=_concerned(planned)).order_by("pk"))
        worked_out = _work_out(planned, accounts, _reason(planned, context))
    changes = any(each.effect.effect is Effect.BOOKED for each in worked_out)
    return _report(
        planned, planned.action.pk, worked_out, repeated=not planned.action._state.adding and not changes
    )


def _concerned(planned: _Planned) -> list[uuid.UUID]:
    """Accounts that have ever had to do with the symbols."""
    rows = (
        LedgerEntry.objects.filter(security_id__in=planned.symbols).order_by().values_list("account_id", flat=True)
    )
    return sorted(set(rows))


def _work_out(planned: _Planned, accounts: Sequence[PortfolioAccount], context: AuditContext) -> list[WorkedOut]:
    """What the action does to each account, or that it was booked there before.

    An account that it neither changes nor has anything to say of is left out.
    """
    entries = _entries(accounts, planned.symbols)
    done = _had_part(planned.action, accounts)
    found = []
    for account in accounts:
        have = AccountEntries(account, entries.get(account.pk, []))
        if account.pk in done:
            found.append(_said(account, Effect.BOOKED_BEFORE, "booked before"))
            continue
        each = _attempt(planned, have, context)
        if each.effect.effect is not Effect.UNAFFECTED or each.effect.message:
            found.append(each)
    return found


def _entries(accounts: Iterable[PortfolioAccount], symbols: Sequence[str]) -> Mapping[uuid.UUID, list[LedgerEntry]]:
    found: dict[uuid.UUID, list[LedgerEntry]] = {}
    ids = [account.pk for account in accounts]
    for row in LedgerEntry.objects.filter(account_id__in=ids, security_id__in=symbols).order_by("sequence"):
        found.setdefault(row.account_id, []).append(row)
    return found


def _had_part(action: CorporateAction, accounts: Iterable[PortfolioAccount]) -> set[uuid.UUID]:
    if action._state.adding:
        return set()
    ids = [account.pk for account in accounts]
    return set(LedgerEntry.objects.filter(action=action, account_id__in=ids).values_list("account_id", flat=True))


def _attempt(planned: _Planned, found: AccountEntries, context: AuditContext) -> WorkedOut:
    """What the action does to one account. One that cannot be booked is left out, and does not stop the others."""
    symbol = planned.action.security_id
    try:
        return planned.book(found, context)
    except NoSplitPriceError as error:
        raise CannotBookError(
            f"the split leaves account {found.account.pk} a part of a step, and no price of {symbol} is stored to "
            "pay it at: give the price per new unit"
        ) from error
    except (CannotBookError, HistoryError, AmountOutOfRangeError) as error:
        return _said(PortfolioAccount.objects.get(pk=found.account.pk), Effect.LEFT_OUT, str(error))


def _said(account: PortfolioAccount, effect: Effect, message: str) -> WorkedOut:
    said = AccountEffect(account_id=account.pk, account=str(account), effect=effect, message=message)
    return WorkedOut(None, said)


def _report(planned: _Planned, key: int | None, found: Sequence[WorkedOut], *, repeated: bool) -> ActionReport:
    action = planned.action
    return ActionReport(
        action_id=key,
        kind=str(action.kind),
        symbol=action.security_id,
        successor=action.successor_id or "",
        terms=planned.terms,
        effective_on=action.effective_on,
        price=action.price,
        repeated=repeated,
        effects=tuple(each.effect for each in found),
    )
