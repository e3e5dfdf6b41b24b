"""Splits, dividends and changes of symbol: booked from a security's page, listed, reversed."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from common.admin.columns import Section, badge, cash, column, link_to, list_of, moment, units
from common.admin.confirm import Call, ConfirmedAction, Effect, Refused
from common.money import plain
from common.text import counted
from portfolios import action_forms, action_reports, ledger
from portfolios.action_forms import ActionForm, DividendForm, SplitForm, SymbolChangeForm
from portfolios.action_reports import Doing, ShownEffect
from portfolios.admin.base import BooksRecordAdmin, context_of
from portfolios.admin.sections import ledger_section
from portfolios.ledger import ActionReport, CannotBookError
from portfolios.models import CorporateAction, LedgerEntry, PortfolioAccount, Security
from portfolios.selectors import corporate_actions

_MOST_ENTRIES = 100  # on the page of an action; the list has them all

# The numbers of a preview by account: what each is called, and how it looks.
_NUMBERS: dict[str, tuple[str, Callable[[Any], SafeString]]] = {
    "then": ("At the close before", units),
    "before": ("Units now", units),
    "after": ("Units after", units),
    "cost_before": ("Cost now", cash),
    "cost_after": ("Cost after", cash),
    "cash": ("Cash", cash),
    "owed": ("Of which owed", cash),
    "realized_pnl": ("Realized", cash),
}


class _BookAction(ConfirmedAction):
    """Books one kind of action for the security whose page it is on, in every account that held it."""

    permission = action_forms.BOOK
    most_rows = 1
    form: ClassVar[type[ActionForm]]

    def preview(self, call: Call) -> Effect | Refused:
        """Show what it does to each account."""
        try:
            report = self._previewed(call)
        except CannotBookError as error:
            return Refused(str(error))
        return _effect(report, self.form.explanation, doing=Doing.BOOKED)

    def perform(self, call: Call) -> str | Refused:
        """Book what was previewed, where that is still what would happen."""
        try:
            report = self._previewed(call)
            why = _stale(report, call) or action_reports.obstacle(report)
            if why:
                return Refused(why)
            report = self._form_of(call).book(self._symbol(call), context=context_of(call))
        except CannotBookError as error:
            return Refused(str(error))
        return f"{action_reports.headline(report)}: booked in {action_reports.outcome(report)}."

    def _previewed(self, call: Call) -> ActionReport:
        return self._form_of(call).preview(self._symbol(call), context=context_of(call))

    def _form_of(self, call: Call) -> ActionForm:
        form = self.form()
        form.cleaned_data = dict(call.values)
        return form

    def _symbol(self, call: Call) -> str:
        security: Security = call.rows[0]
        return security.symbol


class ApplySplit(_BookAction):
    """A split, or a reverse split."""

    name = "split"
    title = button = SplitForm.title
    form = SplitForm


class RecordDividend(_BookAction):
    """A cash dividend."""

    name = "dividend"
    title = button = DividendForm.title
    form = DividendForm


class ChangeSymbol(_BookAction):
    """A change of symbol."""

    name = "symbol-change"
    title = button = SymbolChangeForm.title
    form = SymbolChangeForm


class ReverseAction(ConfirmedAction):
    """Takes an action back to the cent, in all accounts or in none."""

    name = "reverse"
    title = "Reverse the corporate action"
    button = "Reverse"
    permission = action_forms.REVERSE
    most_rows = 1
    is_dangerous = True

    def applies(self, row: CorporateAction) -> bool:
        return row.reversed_at is None

    def preview(self, call: Call) -> Effect | Refused:
        """Show what it does to each account."""
        try:
            report = ledger.preview_action_reversal(call.rows[0].pk, context=context_of(call))
        except CannotBookError as error:
            return Refused(str(error))
        words = "Each of its entries is reversed. What was traded since stays as it was traded."
        return _effect(report, words, doing=Doing.REVERSED)

    def perform(self, call: Call) -> str | Refused:
        """Reverse it, where that is still what was previewed."""
        key, context = call.rows[0].pk, context_of(call)
        try:
            why = _stale(ledger.preview_action_reversal(key, context=context), call)
            if why:
                return Refused(why)
            report = ledger.reverse_action(key, context=context)
        except CannotBookError as error:
            return Refused(str(error))
        return f"{action_reports.headline(report)}: reversed in {counted(report.accounts, 'account')}."


def _stale(report: ActionReport, call: Call) -> str:
    """Why what was previewed is not what would happen now; empty where it is."""
    same = call.token == action_reports.fingerprint(report)
    return "" if same else "the books have changed since the preview. Look again."


def _effect(report: ActionReport, explanation: str, *, doing: Doing) -> Effect:
    headline = action_reports.headline(report)
    sentences = [f"{headline}: to be {doing} in {action_reports.outcome(report)}.", explanation]
    if not report.effects:
        sentences.append("No account held it at the close before: no cash and no units change.")
    if report.price is not None:
        sentences.append(f"What is left below a step is paid at {plain(report.price)} per new unit.")
    sentences += [why] if (why := action_reports.obstacle(report)) else []
    names = action_reports.NUMBERS[report.kind, doing]
    rows = [_row(each, names, doing) for each in action_reports.shown_report(report, doing=doing).effects]
    columns = ("Account", "Outcome", *(_NUMBERS[name][0] for name in names), "Why")
    return Effect(sentences, columns, rows, token=action_reports.fingerprint(report))


def _row(effect: ShownEffect, names: Sequence[str], doing: Doing) -> tuple[Any, ...]:
    numbers = [_NUMBERS[name][1](getattr(effect, name)) for name in names]
    words = badge(action_reports.effect_words(effect.effect, doing=doing))
    return (link_to(PortfolioAccount, effect.account_id, effect.account), words, *numbers, effect.message)


@admin.register(CorporateAction)
class CorporateActionAdmin(BooksRecordAdmin):
    """Splits, dividends and changes of symbol as they were booked, each with what it did to every account."""

    confirmed: ClassVar[Sequence[type[ConfirmedAction]]] = (ReverseAction,)
    list_display = [
        "effective_on",
        "symbol",
        "kind",
        "size",
        "standing",
        "account_count",
        "actor",
        "booked",
        "reason",
    ]
    list_filter = ["kind", ("reversed_at", admin.EmptyFieldListFilter)]
    search_fields = ["=security__symbol", "=successor__symbol", "actor"]
    search_help_text = "A whole symbol, or a name."
    list_select_related = ["security"]
    date_hierarchy = "effective_on"
    fields = [
        "effective_on", "security", "kind", "size", "price", "standing", "account_count", "actor", "booked_at",
        "reason", "reversed_at", "reversed_by", "reversal_reason",
    ]  # fmt: skip
    readonly_fields = ["size", "standing"]
    empty_list = "No split, dividend or change of symbol has been booked. A security's page does."

    size = column("terms", "terms", str, ordering="value")
    booked = column("booked", "booked_at", moment)

    @admin.display(description="state", ordering="reversed_at")
    def standing(self, row: CorporateAction) -> SafeString:
        """Return whether it stands."""
        return badge("booked") if row.reversed_at is None else badge("reversed")

    def get_queryset(self, request: HttpRequest) -> QuerySet[CorporateAction]:
        """Return all of them, the newest day first."""
        return corporate_actions.all_actions()

    def sections(self, request: HttpRequest, row: CorporateAction) -> list[Section]:
        more = list_of(LedgerEntry, action__id__exact=row.pk)
        entries = corporate_actions.entries_of(row.pk)[:_MOST_ENTRIES]
        title = "What it did, by account"
        return [ledger_section(title, entries, empty="Nothing: no account held it.", more=more, with_account=True)]


def newest_actions(symbol: str) -> Section:
    """Return the newest actions of a symbol as a table."""
    rows = corporate_actions.all_actions().filter(security_id=symbol)[:10]
    return Section(
        "Corporate actions, newest day first",
        ("Effective", "Kind", "Terms", "State", "Accounts", "Who"),
        [_listed(each) for each in rows],
        empty="None.",
        more=list_of(CorporateAction, q=symbol),
    )


def _listed(row: CorporateAction) -> tuple[Any, ...]:
    return (
        link_to(CorporateAction, row.pk, row.effective_on.isoformat()),
        row.get_kind_display(),
        row.terms,
        badge("booked" if row.reversed_at is None else "reversed"),
        str(row.account_count),
        row.actor,
    )
