"""Stored prices in units of today: the one place that knows what a split, or a change of symbol, did to them.

A price is stored as it was, for ever. Who compares it with anything of a later day wants it per unit of that day: a
price from before a split is divided by its ratio, one of the split's day or later is in new units already. Before a
change of symbol the prices of the former symbol are those of the security.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction

from django.db.models import F, Max, Q, QuerySet

from portfolios.domain.exchange_day import EXCHANGE_ZONE, exchange_day
from portfolios.domain.split import divided
from portfolios.models import CorporateAction, Price

LAST_CLOSE_AGE = timedelta(days=30)

_Kind = CorporateAction.Kind


@dataclass(frozen=True, slots=True)
class _Name:
    """A symbol under which a security was traded, from a time on and until before another."""

    symbol: str
    since: datetime | None
    until: datetime | None

    @property
    def times(self) -> dict[str, datetime]:
        """The filter of rows of these times."""
        given = {"as_of__gte": self.since, "as_of__lt": self.until}
        return {lookup: time for lookup, time in given.items() if time is not None}

    def covers(self, time: datetime) -> bool:
        """Whether the security had this name then."""
        return (self.since is None or self.since <= time) and (self.until is None or time < self.until)


@dataclass(frozen=True, slots=True)
class UnitHistory:
    """The names of one security, the newest first, and its splits: their days and new units for one old."""

    names: Sequence[_Name]
    splits: Sequence[tuple[date, Fraction]] = field(default=())

    def is_split(self, since: datetime, *, until: datetime) -> bool:
        """Whether a unit of the one time is another than a unit of the other."""
        return any(exchange_day(since) < day <= exchange_day(until) for day, _ in self.splits)

    def converted(self, price: Decimal, *, of: datetime, to: datetime | None = None) -> Decimal:
        """Return a price of the time `of` per unit of the time `to`, or of today, with 6 places."""
        first, last = exchange_day(of), date.max if to is None else exchange_day(to)
        ratio = Fraction(1)
        for day, each in self.splits:
            if first < day <= last:
                ratio *= each
        if ratio == 1:
            return price
        return divided(price, ratio)


@dataclass(frozen=True, slots=True)
class StoredPrice:
    """A stored price per unit of the time it was asked for. `as_of` is when it held."""

    symbol: str
    price: Decimal
    currency: str
    source: str
    as_of: datetime


def unit_histories(symbols: Iterable[str]) -> dict[str, UnitHistory]:
    """Return the names and the splits of each of `symbols`. One query."""
    wanted = sorted(set(symbols))
    kinds = [_Kind.SPLIT, _Kind.SYMBOL_CHANGE]
    actions = list(CorporateAction.objects.filter(kind__in=kinds, reversed_at=None).order_by("effective_on", "pk"))
    return {symbol: _history(symbol, actions) for symbol in wanted}


def symbols_of(symbol: str) -> list[str]:
    """Return every symbol under which the security was traded, the newest first. One query."""
    return [name.symbol for name in unit_histories([symbol])[symbol].names]


def latest_prices(symbols: Iterable[str], *, until: datetime) -> dict[str, StoredPrice]:
    """Return each symbol's newest stored price not later than `until`, per unit of that time.

    Symbols without one are left out, and so are prices in another currency than the security's. Three queries, and
    two for each symbol that had other names.
    """
    histories = unit_histories(symbols)
    plain = {symbol: history for symbol, history in histories.items() if len(history.names) == 1}
    # What had other names is asked for by itself: a former name may be another security's by now.
    parts = [plain, *({symbol: history} for symbol, history in histories.items() if symbol not in plain)]
    return {symbol: price for part in parts if part for symbol, price in _latest(part, until=until).items()}


def _latest(histories: Mapping[str, UnitHistory], *, until: datetime) -> dict[str, StoredPrice]:
    rows = _rows(histories).filter(as_of__lte=until, security__currency=F("currency"))
    times = dict(rows.values_list("security_id").annotate(Max("as_of")).order_by())
    newest = list(rows.filter(as_of__in=set(times.values())).order_by("pk"))
    found = {price.security_id: price for price in newest if price.as_of == times[price.security_id]}
    return {
        symbol: _stored(symbol, row, history.converted(row.price, of=row.as_of, to=until))
        for symbol, history in histories.items()
        if (row := _first(found, history)) is not None
    }


def of_former_units(quoted: Mapping[str, datetime], *, now: datetime) -> frozenset[str]:
    """Return the symbols that were split between the time of their quote and `now`. One query, none for today's."""
    today = exchange_day(now)
    older = {symbol: as_of for symbol, as_of in quoted.items() if exchange_day(as_of) < today}
    histories = unit_histories(older) if older else {}
    return frozenset(symbol for symbol, history in histories.items() if history.is_split(older[symbol], until=now))


def split_since(symbols: Iterable[str], moment: datetime) -> list[str]:
    """Return which of `symbols` had a split booked or reversed since: what was asked before is in other units."""
    since = Q(booked_at__gt=moment) | Q(reversed_at__gt=moment)
    rows = CorporateAction.objects.filter(since, kind=_Kind.SPLIT, security_id__in=sorted(symbols))
    return sorted({row.security_id for row in rows})


def last_closes(
    quoted: Mapping[str, tuple[datetime, str]], *, of_today: Collection[str] = ()
) -> dict[str, Decimal]:
    """Return for each symbol the newest other price that was stored for the quote's time or before it.

    `quoted` has the time and the source of each symbol's quote; the price is per unit of that time, and per unit of
    today for the symbols `of_today`, whose quotes are stored prices that were read so. What is older than 30 days
    says little about today, and is left out. Two queries.
    """
    histories = unit_histories(quoted)
    times = [as_of for as_of, _ in quoted.values()]
    rows = _rows(histories).filter(as_of__gte=min(times) - LAST_CLOSE_AGE, as_of__lte=max(times))
    by_name: dict[str, list[Price]] = {}
    for row in rows.order_by("as_of", "pk"):
        by_name.setdefault(row.security_id, []).append(row)
    found: dict[str, Decimal] = {}
    for symbol, history in histories.items():
        as_of, source = quoted[symbol]
        for name in reversed(history.names):
            for row in by_name.get(name.symbol, []):
                is_itself = (row.as_of, row.source) == (as_of, source)
                if as_of - LAST_CLOSE_AGE <= row.as_of <= as_of and not is_itself and name.covers(row.as_of):
                    to = None if symbol in of_today else as_of
                    found[symbol] = history.converted(row.price, of=row.as_of, to=to)
    return found


def price_series(symbol: str, *, since: datetime | None, until: datetime | None) -> list[tuple[datetime, Decimal]]:
    """Return the stored prices of a security from `since` on and before `until`, by time, per unit of today."""
    history = unit_histories([symbol])[symbol]
    rows = _rows({symbol: history})
    if since is not None:
        rows = rows.filter(as_of__gte=since)
    if until is not None:
        rows = rows.filter(as_of__lt=until)
    stored = rows.order_by("as_of", "pk").values_list("as_of", "price")
    return [(as_of, history.converted(price, of=as_of)) for as_of, price in stored]


def time_of_mark(symbol: str, mark: Decimal, *, marked_at: datetime) -> datetime:
    """Return when the price held that `symbol` was marked at: the time of the stored price, else `marked_at`.

    A mark made on the morning of a split is often the close of the day before, in units of that day.
    """
    history = unit_histories([symbol])[symbol]
    rows = _rows({symbol: history}).filter(as_of__gte=marked_at - LAST_CLOSE_AGE, as_of__lte=marked_at)
    for row in rows.order_by("-as_of", "-pk"):
        if mark in (row.price, history.converted(row.price, of=row.as_of, to=marked_at)):
            return row.as_of
    return marked_at


def price_at_split(symbol: str, *, on: date, ratio: Fraction) -> Decimal | None:
    """Return the last stored price up to the day `on`, per new unit of a split of `ratio` on that day.

    A price of the day itself is per new unit already. None where no price is stored.
    """
    history = unit_histories([symbol])[symbol]
    opens = _midnight(on)
    row = (
        _rows({symbol: history}).filter(as_of__lt=_midnight(on + timedelta(days=1))).order_by("as_of", "pk").last()
    )
    if row is None or row.as_of >= opens:
        return None if row is None else row.price
    before = history.converted(row.price, of=row.as_of, to=opens - timedelta(microseconds=1))
    return divided(before, ratio) or None


def _rows(histories: Mapping[str, UnitHistory]) -> QuerySet[Price]:
    """The prices under each name of the securities, while it was theirs."""
    plain = [symbol for symbol, history in histories.items() if len(history.names) == 1]
    wanted = Q(security_id__in=sorted(plain))
    for history in histories.values():
        for name in history.names if len(history.names) > 1 else ():
            wanted |= Q(security_id=name.symbol, **name.times)
    return Price.objects.filter(wanted)


def _first(found: Mapping[str, Price], history: UnitHistory) -> Price | None:
    """The price under the newest name that has one."""
    rows = (found.get(name.symbol) for name in history.names)
    return next((row for row in rows if row is not None), None)


def _stored(symbol: str, row: Price, price: Decimal) -> StoredPrice:
    return StoredPrice(symbol, price, row.currency, row.source, row.as_of)


def _history(symbol: str, actions: Sequence[CorporateAction]) -> UnitHistory:
    names: list[_Name] = []
    splits: list[tuple[date, Fraction]] = []
    name, until, change = symbol, None, None
    while True:
        change = _change_into(name, actions, before=change)
        since = None if change is None else _midnight(change.effective_on)
        names.append(_Name(name, since, until))
        splits += [
            (each.effective_on, each.ratio)
            for each in actions
            if each.kind == _Kind.SPLIT and each.security_id == name and _within(each.effective_on, since, until)
        ]
        if change is None or len(names) > len(actions):
            return UnitHistory(names, splits)
        name, until = change.security_id, since


def _change_into(
    symbol: str, actions: Sequence[CorporateAction], *, before: CorporateAction | None
) -> CorporateAction | None:
    """The last change into `symbol`, before another change where one is given; it may be of the same day."""
    found = [
        each
        for each in actions
        if each.kind == _Kind.SYMBOL_CHANGE
        and each.successor_id == symbol
        and (before is None or (each.effective_on, each.pk) < (before.effective_on, before.pk))
    ]
    return found[-1] if found else None


def _within(day: date, since: datetime | None, until: datetime | None) -> bool:
    begins = _midnight(day)
    # A split on the day of the change was booked for the former symbol, which has it too.
    return (since is None or begins > since) and (until is None or begins <= until)


def _midnight(day: date) -> datetime:
    """The first moment of a day in New York."""
    return datetime.combine(day, time(), EXCHANGE_ZONE).astimezone(UTC)
