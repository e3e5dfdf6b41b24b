"""The books: accounts, positions and orders, corrected through bookkeeping, and the records behind them."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from common.admin.base import RecordAdmin
from common.admin.columns import Section, badge, cash, link, list_of, moment, units
from common.admin.confirm import ConfirmedAction
from common.admin.edit_forms import DeleteRow, EditAdmin
from portfolios import ledger
from portfolios.admin.booking import CancelOrder, Deposit, EndPosition, FillOrder, TakeBackOrder, Withdraw
from portfolios.admin.forms import (
    IS_FILLED,
    AccountForm,
    NewOrderForm,
    OpenAccountForm,
    PendingOrderForm,
    PositionForm,
)
from portfolios.admin.trading import Activate, Halt, ReduceOnly
from portfolios.domain.accounting import Action, Side
from portfolios.ledger import TypedOrder, check_books
from portfolios.models import (
    AccountSummary,
    CorporateAction,
    LedgerEntry,
    Order,
    PortfolioAccount,
    Position,
    TradingStateChange,
    Valuation,
)
from portfolios.selectors import books

CHECKED_AT_ONCE = 20  # accounts whose whole ledger is replayed in one request


@admin.register(PortfolioAccount)
class PortfolioAccountAdmin(EditAdmin):
    """Accounts. Cash is corrected here, actions halt and free; everything else follows from the ledger."""

    deleting = DeleteRow
    confirmed: ClassVar[Sequence[type[ConfirmedAction]]] = (Deposit, Withdraw, Halt, ReduceOnly, Activate)
    actions = ["check_ticked"]
    list_display = ["name", "trading", "cash_column", "equity_column", "total_column", "updated"]
    list_filter = ["trading_state", "provider", "strategy"]
    search_fields = ["id", "strategy__name"]
    list_select_related = ["strategy"]
    autocomplete_fields = ["strategy"]
    readonly_fields = [
        "trading", "equity_column", "total_column", "book_version", "created_at", "updated_at", "id",
    ]  # fmt: skip
    empty_list = "No account yet. Open one with its first deposit; the first execution of a strategy opens one too."

    # --- columns ---

    @admin.display(description="account", ordering="strategy__name")
    def name(self, row: PortfolioAccount) -> str:
        """Return strategy and provider."""
        return str(row)

    @admin.display(description="trading", ordering="trading_state")
    def trading(self, row: PortfolioAccount) -> SafeString:
        """Return the trading state as a badge."""
        return badge(row.trading_state, row.get_trading_state_display())

    @admin.display(description="cash", ordering="cash_balance")
    def cash_column(self, row: PortfolioAccount) -> SafeString:
        """Return the cash."""
        return cash(row.cash_balance)

    @admin.display(description="equity", ordering="equity_value")
    def equity_column(self, row: PortfolioAccount) -> SafeString:
        """Return the signed value of the positions."""
        return cash(row.equity_value)

    @admin.display(description="total")
    def total_column(self, row: PortfolioAccount) -> SafeString:
        """Return cash plus equity."""
        return cash(row.cash_balance + row.equity_value)

    @admin.display(description="updated", ordering="updated_at")
    def updated(self, row: PortfolioAccount) -> str:
        """Return when the account changed last."""
        return moment(row.updated_at)

    # --- the form ---

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """A new account asks for its first deposit, one that is there for its cash."""
        self_described = (
            ["strategy", "provider", "cash_balance", *self.readonly_fields]
            if obj
            else ["strategy", "provider", "initial_balance"]
        )
        inherited = super().get_fieldsets(request, obj)
        return [(None, {"fields": self_described}), *inherited[1:]]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002  # called by Django with these arguments
        """Return the form that fits."""
        kwargs["form"] = AccountForm if obj else OpenAccountForm
        return super().get_form(request, obj, change=change, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Whose account it is stays."""
        return [*self.readonly_fields, *(["strategy", "provider"] if obj else [])]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """An account with a ledger stays."""
        is_empty = obj is None or not obj.book_version
        return is_empty and super().has_delete_permission(request, obj)

    def lock(self, row: PortfolioAccount) -> None:
        """Lock the account."""
        ledger.lock_accounts([row.pk])

    def save_model(self, request: HttpRequest, obj: PortfolioAccount, form: Any, change: bool) -> None:  # noqa: FBT001  # the same
        """Open an account with its deposit, or correct the cash of one. Raises CannotBookError."""
        context = self.context(request, form)
        if not change:
            opened = ledger.open_account(
                strategy_id=obj.strategy_id,
                provider=obj.provider,
                initial_balance=form.cleaned_data["initial_balance"],
                context=context,
            )
            obj.pk = opened.pk
            obj.refresh_from_db()
            return
        account = ledger.lock_accounts([obj.pk])[0]
        ledger.correct_cash(account, balance=form.cleaned_data["cash_balance"], context=context)

    # --- what belongs to it ---

    def sections(self, request: HttpRequest, row: PortfolioAccount) -> list[Section]:
        """Return what it holds, and its ledger with the running balance."""
        held = row.positions.filter(status=Position.Status.OPEN).select_related("security").order_by("security_id")
        entries = row.ledger.select_related("security").order_by("-sequence")[:10]
        mine = {"account__id__exact": row.pk}
        return [
            Section(
                "Holdings",
                ("Symbol", "Side", "Quantity", "Average price", "Mark", "Value", "Unrealized"),
                [holding_cells(each) for each in held[:50]],
                empty="Nothing is held.",
                more=list_of(Position, **mine),
            ),
            Section(
                "Ledger, newest first",
                ("No.", "Time", "Kind", "Symbol", "Quantity", "Amount", "Balance", "Who", "Reason"),
                [ledger_cells(each) for each in entries],
                more=list_of(LedgerEntry, **mine),
                links=[
                    ("Corrections", list_of(LedgerEntry, **mine, kind__exact="CORRECTION")),
                    ("Orders", list_of(Order, **mine)),
                    ("Valuations", list_of(Valuation, **mine)),
                    ("Trading state changes", list_of(TradingStateChange, q=row.pk)),
                ],
            ),
        ]

    @admin.action(description="Check the books", permissions=["view"])
    def check_ticked(self, request: HttpRequest, rows: QuerySet[PortfolioAccount]) -> None:
        """Replay the ledger of the ticked accounts and say what does not fit."""
        chosen = list(rows.select_related("strategy")[: CHECKED_AT_ONCE + 1])
        if len(chosen) > CHECKED_AT_ONCE:
            self.message_user(request, f"At most {CHECKED_AT_ONCE} at once; check_books takes all.", messages.ERROR)
            return
        for account in chosen:
            with books.one_snapshot():
                found = check_books(PortfolioAccount.objects.get(pk=account.pk))
            said = "; ".join(str(each) for each in found[:5]) or "the ledger, cash and holdings agree."
            self.message_user(request, f"{account}: {said}", messages.ERROR if found else messages.SUCCESS)


def holding_cells(row: Position) -> tuple[Any, ...]:
    """Return an open position as a row of a table."""
    held = row.as_holding()
    return (
        link(row, row.security_id),
        row.get_side_display(),
        units(row.quantity),
        units(row.average_price),
        units(row.mark_price),
        cash(held.market_value),
        cash(held.unrealized_pnl),
    )


def ledger_cells(entry: LedgerEntry) -> tuple[Any, ...]:
    """Return an entry of the ledger as a row of a table."""
    return (
        link(entry, str(entry.sequence)),
        moment(entry.occurred_at),
        badge(entry.kind, entry.get_kind_display()),
        entry.security_id or "",
        units(entry.quantity) if entry.quantity else "",
        cash(entry.amount),
        cash(entry.balance_after),
        entry.actor,
        entry.reason,
    )


@admin.register(Order)
class OrderAdmin(EditAdmin):
    """Orders, newest first. What people type is booked like the others; a filled one is taken back, not deleted."""

    deleting = TakeBackOrder
    confirmed = (FillOrder, CancelOrder)
    list_display = ["placed", "account_link", "action", "symbol", "size", "price", "worth", "state", "is_simulated"]
    list_filter = ["status", "action", "is_simulated", "account__provider"]
    search_fields = ["=id", "=client_order_id", "=security__symbol"]
    search_help_text = "A whole symbol, as MSFT, or the id of an order."
    list_select_related = ["account__strategy", "security"]
    autocomplete_fields = ["account", "security"]
    date_hierarchy = "placed_at"
    empty_list = "No order yet. Execute research, or record an order that was made elsewhere."
    # What an order that is there shows beside its size and its price.
    known: ClassVar[Sequence[str]] = (
        "state", "account_link", "symbol", "action", "filled", "fill_price", "fee_paid", "is_simulated",
        "placed_at", "filled_at", "id", "client_order_id", "metadata",
    )  # fmt: skip

    @admin.display(description="limit price")
    def limit(self, row: Order) -> SafeString:
        """Return the price that sized the order."""
        return units(row.limit_price)

    @admin.display(description="filled quantity")
    def filled(self, row: Order) -> SafeString:
        """Return how much of it was filled."""
        return units(row.filled_quantity)

    @admin.display(description="average fill price")
    def fill_price(self, row: Order) -> SafeString:
        """Return at what price it was filled."""
        return units(row.average_fill_price)

    @admin.display(description="fee")
    def fee_paid(self, row: Order) -> SafeString:
        """Return the fee in cash."""
        return cash(row.fee)

    @admin.display(description="placed", ordering="placed_at")
    def placed(self, row: Order) -> str:
        """Return when it was placed."""
        return moment(row.placed_at)

    @admin.display(description="quantity", ordering="quantity")
    def size(self, row: Order) -> SafeString:
        """Return the quantity."""
        return units(row.quantity)

    @admin.display(description="price", ordering="limit_price")
    def price(self, row: Order) -> SafeString:
        """Return the price of the fill, or the one that sized the order."""
        return units(row.average_fill_price or row.limit_price)

    @admin.display(description="notional")
    def worth(self, row: Order) -> SafeString:
        """Return quantity times limit price."""
        return cash(row.notional)

    @admin.display(description="status", ordering="status")
    def state(self, row: Order) -> SafeString:
        """Return the status as a badge."""
        return badge(row.status, row.get_status_display())

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """A new order asks for everything, one that is there shows everything."""
        new = ["account", "security", "action", "quantity", "limit_price", "state", "commission"]
        size = (
            ["quantity", "limit_price"] if obj and self.has_change_permission(request, obj) else ["size", "limit"]
        )
        inherited = super().get_fieldsets(request, obj)
        return [(None, {"fields": [*self.known[:4], *size, *self.known[4:]] if obj else new}), *inherited[1:]]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002  # called by Django with these arguments
        """Return the form that fits."""
        kwargs["form"] = PendingOrderForm if obj else NewOrderForm
        return super().get_form(request, obj, change=change, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Of an order that is there, size and price alone are edited, and while it waits only."""
        if obj is None:
            return []
        return [*self.known, "size", "limit"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A finished order is not changed."""
        return (obj is None or obj.status == Order.Status.PENDING) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """An order that came to nothing has nothing to take back."""
        has_something = obj is None or obj.status in (Order.Status.PENDING, Order.Status.FILLED)
        return has_something and super().has_delete_permission(request, obj)

    def lock(self, row: Order) -> None:
        """Lock the account."""
        ledger.lock_accounts([row.account_id])

    def save_model(self, request: HttpRequest, obj: Order, form: Any, change: bool) -> None:  # noqa: FBT001  # the same
        """Book a new order, or change one that waits. Raises CannotBookError."""
        context, values = self.context(request, form), form.cleaned_data
        account = ledger.lock_accounts([obj.account_id])[0]
        if change:
            order = Order.objects.get(pk=obj.pk)
            ledger.change_order(order, quantity=values["quantity"], limit_price=values["limit_price"])
            return
        typed = TypedOrder(
            action=Action(obj.action), symbol=obj.security_id, quantity=obj.quantity, price=obj.limit_price
        )
        if values["state"] == IS_FILLED:
            written = ledger.record_order(account, typed=typed, fee=values["commission"], context=context)
        else:
            written = ledger.place_order(account, typed=typed, context=context)
        obj.pk = written.pk
        obj.refresh_from_db()

    def sections(self, request: HttpRequest, row: Order) -> list[Section]:
        """Return what it did to the books."""
        entries = row.ledger.select_related("security").order_by("sequence")
        return [
            Section(
                "In the ledger",
                ("No.", "Time", "Kind", "Symbol", "Quantity", "Amount", "Balance", "Who", "Reason"),
                [ledger_cells(each) for each in entries],
                empty="Nothing: the order has not been filled.",
            )
        ]


@admin.register(Position)
class PositionAdmin(EditAdmin):
    """Open and closed positions. An edit is a correction in the ledger."""

    deleting = EndPosition
    form = PositionForm
    list_display = [
        "symbol",
        "account_link",
        "side",
        "state",
        "size",
        "average",
        "cost",
        "mark",
        "profit",
        "opened",
    ]
    list_filter = ["status", "side", "account__provider"]
    search_fields = ["=id", "=security__symbol"]
    search_help_text = "A whole symbol, as MSFT, or the id of a position."
    list_select_related = ["account__strategy", "security"]
    list_display_links = ["size"]
    autocomplete_fields = ["account", "security"]
    date_hierarchy = "opened_at"
    ordering = ["-opened_at"]
    empty_list = "No position yet. Execute research, or add one that is held already."
    # What a position that is there shows beside what a person can say.
    known: ClassVar[Sequence[str]] = (
        "state", "account_link", "symbol", "cost", "profit", "mark", "marked_at", "opened_at", "closed_at", "id",
    )  # fmt: skip

    @admin.display(description="status", ordering="status")
    def state(self, row: Position) -> SafeString:
        """Return the status as a badge."""
        return badge(row.status, row.get_status_display())

    @admin.display(description="quantity", ordering="quantity")
    def size(self, row: Position) -> SafeString:
        """Return the quantity."""
        return units(row.quantity)

    @admin.display(description="average", ordering="average_price")
    def average(self, row: Position) -> SafeString:
        """Return the average price."""
        return units(row.average_price)

    @admin.display(description="cost", ordering="cost_basis")
    def cost(self, row: Position) -> SafeString:
        """Return the cost basis."""
        return cash(row.cost_basis)

    @admin.display(description="mark", ordering="mark_price")
    def mark(self, row: Position) -> SafeString:
        """Return the last mark."""
        return units(row.mark_price)

    @admin.display(description="realized", ordering="realized_pnl")
    def profit(self, row: Position) -> SafeString:
        """Return the realized profit."""
        return cash(row.realized_pnl)

    @admin.display(description="opened", ordering="opened_at")
    def opened(self, row: Position) -> str:
        """Return when it was opened."""
        return moment(row.opened_at)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """A new position asks for what is held, one that is there shows everything."""
        mine = ["side", "quantity", "average_price"]
        if obj is None:
            fields = ["account", "security", *mine]
        else:
            may = self.has_change_permission(request, obj)
            fields = [*self.known[:3], *(mine if may else ["side", "size", "average"]), *self.known[3:]]
        return [(None, {"fields": fields}), *super().get_fieldsets(request, obj)[1:]]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """What is held can be said; the rest follows."""
        if obj is None:
            return []
        return [*self.known, "size", "average"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A closed position is a record."""
        return (obj is None or obj.status == Position.Status.OPEN) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The same for its end."""
        return (obj is None or obj.status == Position.Status.OPEN) and super().has_delete_permission(request, obj)

    def lock(self, row: Position) -> None:
        """Lock the account."""
        ledger.lock_accounts([row.account_id])

    def save_model(self, request: HttpRequest, obj: Position, form: Any, change: bool) -> None:  # noqa: FBT001  # called by Django with these arguments
        """Correct what is held. Raises CannotBookError."""
        ledger.correct_position(
            ledger.lock_accounts([obj.account_id])[0],
            symbol=obj.security_id,
            side=Side(obj.side),
            quantity=obj.quantity,
            average_price=obj.average_price,
            context=self.context(request, form),
        )
        if not change:
            obj.pk = Position.objects.get(
                account=obj.account_id, security__symbol=obj.security_id, status=Position.Status.OPEN
            ).pk
        obj.refresh_from_db()

    def sections(self, request: HttpRequest, row: Position) -> list[Section]:
        """Return what made it what it is."""
        entries = row.ledger.select_related("security").order_by("-sequence")[:50]
        return [
            Section(
                "In the ledger, newest first",
                ("No.", "Time", "Kind", "Symbol", "Quantity", "Amount", "Balance", "Who", "Reason"),
                [ledger_cells(each) for each in entries],
                more=list_of(LedgerEntry, position__id__exact=row.pk),
            )
        ]


@admin.register(CorporateAction)
class CorporateActionAdmin(RecordAdmin):
    """Splits and dividends as they were booked."""

    list_display = ["effective_on", "symbol", "kind", "size", "account_count", "actor", "booked"]
    list_filter = ["kind"]
    search_fields = ["=security__symbol", "actor"]
    list_select_related = ["security"]
    date_hierarchy = "effective_on"
    empty_list = "No split and no dividend has been booked. The commands apply_split and record_dividend do."

    @admin.display(description="value", ordering="value")
    def size(self, row: CorporateAction) -> SafeString:
        """Return the ratio or the dividend per unit."""
        return units(row.value)

    @admin.display(description="booked", ordering="booked_at")
    def booked(self, row: CorporateAction) -> str:
        """Return when it was booked."""
        return moment(row.booked_at)


@admin.register(LedgerEntry)
class LedgerEntryAdmin(RecordAdmin):
    """The ledger, newest first, with the balance after every entry."""

    list_display = [
        "time", "account_link", "number", "sort", "symbol", "size", "cash_moved", "balance", "actor", "reason",
    ]  # fmt: skip
    list_filter = ["kind", "account__provider"]
    search_fields = ["=security__symbol", "=actor", "=run_id"]
    search_help_text = "A whole symbol, a name, or the id of a run."
    list_select_related = ["account__strategy", "security"]
    date_hierarchy = "occurred_at"
    ordering = ["-occurred_at", "-id"]
    empty_list = "The ledger is empty. Opening an account makes its first entry."

    @admin.display(description="time", ordering="occurred_at")
    def time(self, row: LedgerEntry) -> str:
        """Return when it happened."""
        return moment(row.occurred_at)

    @admin.display(description="kind", ordering="kind")
    def sort(self, row: LedgerEntry) -> SafeString:
        """Return the kind as a badge."""
        return badge(row.kind, row.get_kind_display())

    @admin.display(description="quantity", ordering="quantity")
    def size(self, row: LedgerEntry) -> SafeString:
        """Return the signed change of the holding."""
        return units(row.quantity if row.quantity else None)

    @admin.display(description="no.", ordering="sequence")
    def number(self, row: LedgerEntry) -> int:
        """Return its place in the account's ledger."""
        return row.sequence

    @admin.display(description="amount", ordering="amount")
    def cash_moved(self, row: LedgerEntry) -> SafeString:
        """Return the signed cash."""
        return cash(row.amount)

    @admin.display(description="balance", ordering="balance_after")
    def balance(self, row: LedgerEntry) -> SafeString:
        """Return the cash after the entry."""
        return cash(row.balance_after)


@admin.register(Valuation)
class ValuationAdmin(RecordAdmin):
    """What accounts were worth, newest first."""

    list_display = ["time", "account_link", "cash_column", "equity_column", "total_column", "flow"]
    list_filter = ["account__provider"]
    search_fields = ["=account__id", "account__strategy__name"]
    list_select_related = ["account__strategy"]
    date_hierarchy = "as_of"
    empty_list = "Nothing has been valued yet. Runs and marks to market do."

    @admin.display(description="as of", ordering="as_of")
    def time(self, row: Valuation) -> str:
        """Return the time of the marks."""
        return moment(row.as_of)

    @admin.display(description="cash", ordering="cash")
    def cash_column(self, row: Valuation) -> SafeString:
        """Return the cash."""
        return cash(row.cash)

    @admin.display(description="equity", ordering="equity")
    def equity_column(self, row: Valuation) -> SafeString:
        """Return the signed value of the positions."""
        return cash(row.equity)

    @admin.display(description="total", ordering="total")
    def total_column(self, row: Valuation) -> SafeString:
        """Return cash plus equity."""
        return cash(row.total)

    @admin.display(description="from outside", ordering="external_flow")
    def flow(self, row: Valuation) -> SafeString:
        """Return deposits minus withdrawals since the valuation before."""
        return cash(row.external_flow)


@admin.register(AccountSummary)
class AccountSummaryAdmin(RecordAdmin):
    """What pages show of each account, worked out when it was valued."""

    list_display = ["account_link", "time", "total_column", "time_weighted_return", "max_drawdown", "sharpe_ratio"]
    list_filter = ["account__provider", "as_of"]
    search_fields = ["account__strategy__name", "=account__id"]
    list_select_related = ["account__strategy"]
    empty_list = "Nothing has been valued yet. Runs and marks to market do."

    @admin.display(description="as of", ordering="as_of")
    def time(self, row: AccountSummary) -> str:
        """Return the time of the valuation behind it."""
        return moment(row.as_of)

    @admin.display(description="total", ordering="total")
    def total_column(self, row: AccountSummary) -> SafeString:
        """Return cash plus equity."""
        return cash(row.total)


@admin.register(TradingStateChange)
class TradingStateChangeAdmin(RecordAdmin):
    """Who halted, limited or freed an account, newest first."""

    list_display = ["time", "account_link", "before", "after", "actor", "reason"]
    list_filter = ["after", "account__provider"]
    search_fields = ["=account__id", "account__strategy__name", "actor", "reason"]
    list_select_related = ["account__strategy"]
    date_hierarchy = "changed_at"
    empty_list = "No account has been halted, limited or freed yet."

    @admin.display(description="changed", ordering="changed_at")
    def time(self, row: TradingStateChange) -> str:
        """Return when it was changed."""
        return moment(row.changed_at)
