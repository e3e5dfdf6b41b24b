"""From what is known of an account to the history that is booked for it. Pure.

The rules, in short: what people saw and trusted is the truth, that is the stored cash and the stored positions.
The filled orders are booked as they can have happened, and each difference that is left is a CORRECTION with a
finding. Where nothing was stored, the orders must make sense alone. docs/predecessor.md has the whole table.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import TypeVar

from common.money import (
    CENT,
    QUANTITY_STEP,
    ZERO,
    AmountOutOfRangeError,
    notional,
    plain,
    quantize_cash,
    quantize_quantity,
)
from portfolios.domain.accounting import Action, Holding, Side, restate_holding
from portfolios.domain.opening_history import CashStated, Deposited, HoldingStated, PastEvent, Traded
from portfolios.importers.folios_v2 import values
from portfolios.importers.folios_v2.accounts import AccountPlan, AccountRows, LeftOut
from portfolios.importers.folios_v2.findings import Finding, Rule
from portfolios.importers.folios_v2.opening import DEFAULT_OPENING, Guess, explanation
from portfolios.importers.folios_v2.orders import (
    STAND_IN_PRICE,
    Trade,
    Trades,
    in_their_order,
    past_order,
    words_of,
)
from portfolios.importers.folios_v2.stored import Stored, agree, merge
from portfolios.importers.folios_v2.types import AccountKey, Known, KnownOrder, KnownPosition

_SHORTS = (Action.SELL_SHORT, Action.BUY_TO_COVER)


_Row = TypeVar("_Row", KnownPosition, KnownOrder)


def plan_accounts(known: Known, *, now: datetime) -> list[AccountPlan | LeftOut]:
    """Return what is booked for each account that the rows speak of, in the order of their keys.

    `now` is the time of what has none in the file.
    """
    stored = {account.key: account for account in known.accounts}
    positions, orders = _by_key(known.positions), _by_key(known.orders)
    return [
        _plan_account(
            AccountRows(
                key=key,
                stored=stored.get(key),
                positions=positions.get(key, []),
                orders=orders.get(key, []),
                file=known.file,
                now=now,
            )
        )
        for key in sorted((stored.keys() | positions.keys() | orders.keys()) - known.ambiguous)
    ]


def _by_key(rows: Iterable[_Row]) -> dict[AccountKey, list[_Row]]:
    found: dict[AccountKey, list[_Row]] = {}
    for row in rows:
        found.setdefault(row.key, []).append(row)
    return found


def _plan_account(rows: AccountRows) -> AccountPlan | LeftOut:
    try:
        return _Draft(rows).plan()
    except AmountOutOfRangeError as error:
        done = "not imported"
        return LeftOut(key=rows.key, findings=(Finding(Rule.OUT_OF_RANGE, str(rows.key), str(error), done),))


class _Draft:
    """The plan of one account while it is made."""

    def __init__(self, rows: AccountRows) -> None:
        self._rows = rows
        self._subject = str(rows.key)
        self._trades = Trades()
        self._events: list[PastEvent] = []
        self._findings: list[Finding] = []
        filled = in_their_order(order for order in rows.orders if order.status == "filled")
        for _, moment in groupby(filled, key=lambda order: order.at):
            self._trades.add_moment(moment)
        self._findings += self._trades.findings
        self._stated = self._differences()
        self._as_of = self._last_time()

    def plan(self) -> AccountPlan | LeftOut:
        """Return the plan. Raises AmountOutOfRangeError where the books cannot hold it."""
        reason = self._nonsense()
        if reason:
            return LeftOut(
                key=self._rows.key,
                findings=(Finding(Rule.ACCOUNT_LEFT_OUT, self._subject, reason, "not imported"),),
            )
        _require_room(self._rows, self._trades, self._stated)
        cash = self._tell(opening=self._opening())
        holdings = self._holdings()
        self._report(cash, holdings)
        stored = self._rows.stored
        return AccountPlan(
            account_id=stored.id if stored else values.own_id("account", self._subject),
            key=self._rows.key,
            events=tuple(self._events),
            unfilled=(*self._trades.refused, *map(past_order, self._waiting())),
            cash=cash,
            holdings=holdings,
            as_of=self._as_of,
            findings=tuple(self._findings),
        )

    def _find(self, rule: Rule, subject: str, found: str, done: str) -> None:
        self._findings.append(Finding(rule, subject, found, done))

    def _reason(self, rule: Rule, words: str) -> str:
        return f"{self._rows.file}: {rule}: {words}"

    def _waiting(self) -> list[KnownOrder]:
        return in_their_order(order for order in self._rows.orders if order.status != "filled")

    def _last_time(self) -> datetime:
        """When the stored state held: never before the last order."""
        stored = self._rows.stored
        times = [order.at for order in self._rows.orders]
        if stored is not None and stored.as_of is not None:
            times.append(stored.as_of)
        return max(times, default=self._rows.now)

    # --- holdings

    def _differences(self) -> list[HoldingStated]:
        """What was stored as held and does not follow from the orders."""
        opened = [position for position in self._rows.positions if position.is_open]
        doubtful = {position.symbol for position in opened if position.doubtful}
        stored = {}
        for symbol, rows in groupby(sorted(opened, key=lambda row: (row.symbol, row.name)), lambda row: row.symbol):
            if symbol not in doubtful:
                stored[symbol] = self._merged(symbol, list(rows))
        if self._rows.cash is None and not self._rows.positions:
            return []  # nothing was stored: the orders say it all
        symbols = sorted((set(stored) | set(self._trades.holdings)) - doubtful)
        found = [self._difference(symbol, stored.get(symbol)) for symbol in symbols]
        return [stated for stated in found if stated is not None]

    def _merged(self, symbol: str, rows: list[KnownPosition]) -> Stored | None:
        merged = merge(symbol, rows)
        if len(rows) > 1:
            is_mixed = len({row.side for row in rows}) > 1
            rule = Rule.OPPOSITE_POSITIONS if is_mixed else Rule.DUPLICATE_POSITION
            names = ", ".join(f"{row.side} {plain(row.quantity)} @ {plain(row.average_price)}" for row in rows)
            after = (
                f"{merged.side} {plain(merged.quantity)} @ {plain(merged.average_price)}" if merged else "nothing"
            )
            self._find(rule, f"{self._subject} {symbol}", f"open positions {names}", f"one position: {after}")
        return merged

    def _difference(self, symbol: str, stored: Stored | None) -> HoldingStated | None:
        held = self._trades.holdings.get(symbol)
        if stored is None and held is None:
            return None
        if stored is not None and held is not None and agree(stored, held):
            return None
        was = f"{held.side} {plain(held.quantity)} @ {plain(held.average_price)}" if held else "nothing"
        side, quantity, average = (
            (stored.side, stored.quantity, stored.average_price) if stored else (Side.LONG, ZERO, ZERO)
        )
        now = f"{side} {plain(quantity)} @ {plain(average)}" if stored else "nothing"
        words = f"the orders make {was}, stored is {now}"
        self._find(Rule.POSITION_DIFFERS, f"{self._subject} {symbol}", words, "the stored position was booked")
        is_untraded = all(trade.order.symbol != symbol for trade in self._trades.booked)
        opened = stored.opened_at if stored and is_untraded else None
        return HoldingStated(
            at=min(opened, self._last_time()) if opened else self._last_time(),
            reason=self._reason(Rule.POSITION_DIFFERS, words),
            symbol=symbol,
            side=side,
            quantity=quantity,
            average_price=average,
        )

    def _holdings(self) -> dict[str, Holding]:
        after = dict(self._trades.holdings)
        for stated in self._stated:
            before = after.pop(stated.symbol, Holding(stated.symbol, stated.side, ZERO, ZERO, ZERO))
            if stated.quantity:
                after[stated.symbol] = restate_holding(
                    before, side=stated.side, quantity=stated.quantity, average_price=stated.average_price
                )
        return after

    # --- accounts of which no cash is stored

    def _nonsense(self) -> str | None:
        """Why the orders alone do not make an account, where nothing but them says what its cash is."""
        if self._rows.cash is not None:
            return None
        what = "no row stands for the account" if self._rows.stored is None else "its cash cannot be read"
        problem = self._first_problem()
        return f"{what}, and {problem}" if problem else None

    def _first_problem(self) -> str | None:
        trades = self._trades
        if not trades.booked:
            return "no filled order says what it held"
        if trades.findings:
            return f"its orders contradict each other ({trades.findings[0].rule} {trades.findings[0].subject})"
        if self._stated:
            return f"its orders do not make the position in {self._stated[0].symbol}"
        if any(position.is_open and position.doubtful for position in self._rows.positions):
            return "a position cannot be read"
        cash = DEFAULT_OPENING
        for trade in trades.booked:
            cash += trade.cash
            if cash < 0:
                return f"its orders spend more than {plain(DEFAULT_OPENING)}"
        return None

    # --- cash

    def _opening(self) -> Decimal:
        """Return the deposit that the history begins with, zero for none."""
        stored = self._rows.cash
        if stored is None:
            missing = self._rows.stored is None
            rule = Rule.ACCOUNT_MISSING if missing else Rule.CASH_UNREADABLE
            found = f"{len(self._trades.booked)} filled orders make sense without a stored cash balance"
            done = f"opened with the predecessor's default of {plain(DEFAULT_OPENING)}"
            self._find(rule, self._subject, found, done)
            return DEFAULT_OPENING
        begins = stored - self._trades.cash
        chosen = explanation(begins, self._guesses(), tolerance=self._tolerance)
        if chosen is None:
            chosen = self._one_order_missing(begins)
        if chosen is None:
            return self._derived(begins)
        for guess in chosen:
            done = f"opened with {plain(DEFAULT_OPENING)}; the difference is a correction of the cash"
            self._find(guess.rule, self._subject, guess.words, done)
        return DEFAULT_OPENING

    @property
    def _tolerance(self) -> Decimal:
        """The predecessor rounded no cash: a cent for each order, and one for the balance."""
        return CENT * (len(self._trades.booked) + 1)

    def _guesses(self) -> list[Guess]:
        shorts, sells = self._cash_of(*_SHORTS), self._cash_of(Action.SELL)
        in_short = f"the cash does not hold the {plain(shorts)} of its short orders"
        guesses = [
            Guess("the cash counts orders that cannot have happened", self._trades.unbooked_cash),
            Guess(in_short, -shorts, Rule.SHORT_NOT_IN_CASH),
            Guess(f"the cash does not hold the {plain(sells)} of its sales", -sells),
            Guess("the cash counts positions without an order", -self._stated_cost()),
        ]
        return [guess for guess in guesses if guess.cash]

    def _cash_of(self, *actions: Action) -> Decimal:
        return sum((trade.cash for trade in self._trades.booked if trade.order.action in actions), ZERO)

    def _stated_cost(self) -> Decimal:
        """What the stored positions cost more than the orders say; negative for shorts."""
        before, after = self._trades.holdings, self._holdings()
        return sum((_signed_cost(held) for held in after.values()), ZERO) - sum(
            (_signed_cost(held) for held in before.values()), ZERO
        )

    def _one_order_missing(self, begins: Decimal) -> list[Guess] | None:
        for trade in self._trades.booked:
            if abs(begins + trade.cash - DEFAULT_OPENING) <= self._tolerance:
                return [Guess(f"the cash does not hold the {plain(trade.cash)} of {trade.name}", -trade.cash)]
        return None

    def _derived(self, begins: Decimal) -> Decimal:
        if begins >= 0:
            found = f"stored cash and booked orders say it began with {plain(begins)}"
            self._find(Rule.OPENING_DERIVED, self._subject, found, "opened with that")
            return begins
        found = f"stored cash and booked orders say it began with {plain(begins)}, which cannot be"
        done = f"opened with {plain(DEFAULT_OPENING)}; the difference is a correction of the cash"
        self._find(Rule.CASH_DOES_NOT_FOLLOW, self._subject, found, done)
        return DEFAULT_OPENING

    def _tell(self, *, opening: Decimal) -> Decimal:
        """Write the events in their order; return the cash at the end."""
        if opening:
            words = f"opening balance before {len(self._trades.booked)} booked orders"
            self._events.append(
                Deposited(at=self._first_time(), reason=f"{self._rows.file}: {words}", amount=opening)
            )
        cash = opening
        middle: list[Trade | HoldingStated] = [*self._trades.booked, *self._stated]
        for event in sorted(middle, key=lambda event: event.at):
            if isinstance(event, HoldingStated):
                self._events.append(event)
                continue
            cash = self._afford(event, cash) + event.cash
            reason = f"{self._rows.file}: {event.name}"
            self._events.append(Traded(at=event.at, reason=reason, order=event.order))
        return self._state_cash(cash)

    def _first_time(self) -> datetime:
        times = [trade.at for trade in self._trades.booked] + [stated.at for stated in self._stated]
        return min(times, default=self._as_of)

    def _afford(self, trade: Trade, cash: Decimal) -> Decimal:
        if cash + trade.cash >= 0:
            return cash
        words = f"{trade.name} costs {plain(-trade.cash)}, the cash was {plain(cash)}"
        self._find(Rule.CASH_OVERDRAWN, self._subject, words, "the missing cash is a correction before the order")
        reason = self._reason(Rule.CASH_OVERDRAWN, words)
        self._events.append(CashStated(at=trade.at, reason=reason, balance=-trade.cash))
        return -trade.cash

    def _state_cash(self, cash: Decimal) -> Decimal:
        """Bring the cash to what was stored. The books hold no negative cash: zero stands for it."""
        stored = self._rows.cash
        if stored is None:
            return cash
        if stored < 0:
            self._find(Rule.CASH_NEGATIVE, self._subject, f"stored cash is {plain(stored)}", "imported as 0.00")
        target = max(stored, quantize_cash(ZERO))
        if cash == target:
            return cash
        rule = self._rule_of(target - cash)
        words = f"the entries add up to {plain(cash)}, stored is {plain(stored)}"
        self._find(rule, self._subject, words, f"corrected by {plain(target - cash)}")
        self._events.append(CashStated(at=self._as_of, reason=self._reason(rule, words), balance=target))
        return target

    def _rule_of(self, difference: Decimal) -> Rule:
        return Rule.CASH_ROUNDING if abs(difference) <= self._tolerance else Rule.CASH_CORRECTED

    # --- what is only reported

    def _report(self, cash: Decimal, holdings: dict[str, Holding]) -> None:
        equity = quantize_cash(sum((held.market_value for held in holdings.values()), ZERO))
        quantize_cash(cash + equity)  # the valuation holds it too
        stored = self._rows.stored
        if stored is not None and stored.equity is not None and abs(stored.equity - equity) > CENT * len(holdings):
            found = f"stored equity is {plain(stored.equity)}, at the last prices it is {plain(equity)}"
            self._find(Rule.EQUITY_DIFFERS, self._subject, found, "the latter stands until prices are known")
        self._report_orders()
        traded = {order.symbol for order in self._rows.orders}
        alone = {row.symbol for row in self._rows.positions if not row.is_open} - traded
        for symbol in sorted(alone):
            found = "a closed position that no order speaks of"
            self._find(Rule.CLOSED_POSITION_ONLY, f"{self._subject} {symbol}", found, "not imported")

    def _report_orders(self) -> None:
        for order in in_their_order(self._rows.orders):
            if order.status == "filled" and order.limit_price == STAND_IN_PRICE:
                found = f"filled at the default price of {plain(STAND_IN_PRICE)}"
                self._find(Rule.DEFAULT_PRICE, order.name, found, "marked as simulated")
        alike = sorted(self._rows.orders, key=_content)
        for content, group in groupby(alike, _content):
            names = sorted(order.name for order in group)
            if len(names) > 1:
                found = f"{' and '.join(names)} are alike: {content[0]} of {content[-1]}"
                self._find(Rule.EQUAL_ORDERS, self._subject, found, "all are kept")


def _signed_cost(held: Holding) -> Decimal:
    return held.cost_basis if held.side is Side.LONG else -held.cost_basis


def _content(order: KnownOrder) -> tuple[str, str, str]:
    """What makes two orders alike: everything but id, time of day and metadata."""
    return words_of(order), order.status, order.placed_at.date().isoformat()


def _require_room(rows: AccountRows, trades: Trades, stated: Sequence[HoldingStated]) -> None:
    """Raise AmountOutOfRangeError where cash or a quantity could leave the books' range on the way."""
    turnover = sum((abs(trade.cash) for trade in trades.booked), ZERO)
    quantize_cash(DEFAULT_OPENING + abs(rows.cash or ZERO) + 2 * turnover)
    for each in stated:
        held = trades.holdings.get(each.symbol)
        # An entry keeps the change of a holding: from a long to a short it is larger than either.
        change = each.quantity + (held.quantity if held else ZERO)
        quantize_quantity(change, step=QUANTITY_STEP)
        notional(quantity=each.quantity, price=each.average_price)
