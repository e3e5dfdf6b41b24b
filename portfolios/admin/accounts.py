"""Accounts: opened, corrected in cash, halted and activated, checked against their ledger."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from common.admin.columns import Section, badge, cash, column, list_of, moment, state_column
from common.admin.confirm import ConfirmedAction
from portfolios import ledger
from portfolios.admin.base import BooksEditAdmin, DeleteVersioned
from portfolios.admin.booking import Deposit, Withdraw
from portfolios.admin.forms import AccountForm, OpenAccountForm
from portfolios.admin.sections import holdings_section, ledger_section
from portfolios.admin.trading import Activate, Halt, ReduceOnly
from portfolios.ledger import check_books
from portfolios.models import LedgerEntry, Order, PortfolioAccount, Position, TradingStateChange, Valuation
from portfolios.selectors import books
from portfolios.selectors.overview import NOT_VALUED, summary_of

CHECKED_AT_ONCE = 20  # accounts whose whole ledger is projected in one request


@admin.register(PortfolioAccount)
class PortfolioAccountAdmin(BooksEditAdmin):
    """Accounts. Cash is corrected here, actions halt and free; everything else follows from the ledger."""

    deleting = DeleteVersioned
    confirmed: ClassVar[Sequence[type[ConfirmedAction]]] = (Deposit, Withdraw, Halt, ReduceOnly, Activate)
    actions = ["check_ticked"]
    list_display = [
        "name", "trading", "cash_column", "equity_column", "owed_column", "total_column", "margin_column",
        "valued_column", "updated",
    ]  # fmt: skip
    list_filter = ["trading_state", "summary__margin_status", "provider", "strategy"]
    search_fields = ["id", "strategy__name"]
    list_select_related = ["strategy", "summary"]
    autocomplete_fields = ["strategy"]
    readonly_fields = [
        "trading", "equity_column", "owed_column", "total_column", "available_column", "margin_column",
        "valued_column", "book_version", "created_at", "updated_at", "id",
    ]  # fmt: skip
    empty_list = "No account yet. Open one with its first deposit; the first execution of a strategy opens one too."

    # --- columns ---

    trading = state_column("trading", "trading_state")
    cash_column = column("cash", "cash_balance", cash)
    equity_column = column("equity", "equity_value", cash)
    owed_column = column("owed", "payable", cash)
    updated = column("updated", "updated_at", moment)

    @admin.display(description="account", ordering="strategy__name")
    def name(self, row: PortfolioAccount) -> str:
        return str(row)

    @admin.display(description="total")
    def total_column(self, row: PortfolioAccount) -> SafeString:
        return cash(row.total_value)

    @admin.display(description="available cash")
    def available_column(self, row: PortfolioAccount) -> SafeString | str:
        """Return what no short keeps aside."""
        found = summary_of(row)
        return NOT_VALUED if found is None else cash(found.available_cash)

    @admin.display(description="margin", ordering="summary__margin_status")
    def margin_column(self, row: PortfolioAccount) -> SafeString | str:
        """Return whether the cash covers the shorts."""
        found = summary_of(row)
        return NOT_VALUED if found is None else badge(found.margin_status, found.get_margin_status_display())

    @admin.display(description="valued", ordering="summary__as_of")
    def valued_column(self, row: PortfolioAccount) -> str:
        """Return when the account was valued last."""
        found = summary_of(row)
        return NOT_VALUED if found is None else moment(found.as_of)

    # --- the form ---

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """A new account asks for its first deposit, one that is there for its cash."""
        asked = ["cash_balance", *self.readonly_fields] if obj else ["initial_balance"]
        inherited = super().get_fieldsets(request, obj)
        return [(None, {"fields": ["strategy", "provider", *asked]}), *inherited[1:]]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002  # called by Django with these arguments
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
        held = row.positions.filter(status=Position.Status.OPEN).select_related("security").order_by("security_id")
        entries = row.ledger.select_related("security").order_by("-sequence")[:10]
        mine = {"account__id__exact": row.pk}
        return [
            holdings_section(held[:50], more=list_of(Position, **mine)),
            ledger_section(
                "Ledger, newest first",
                entries,
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
