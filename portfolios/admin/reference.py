"""What the books refer to: strategies and their policies, securities, prices."""

from collections.abc import Sequence
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from common.admin.columns import Section, badge, cash, column, link, list_of, moment, state_column, units
from common.admin.confirm import ConfirmedAction
from portfolios.admin.base import BooksEditAdmin, DeleteVersioned
from portfolios.admin.corporate_actions import ApplySplit, ChangeSymbol, RecordDividend, newest_actions
from portfolios.admin.forms import PolicyForm, newest_version
from portfolios.domain.limit import Kind, Limit
from portfolios.domain.risk_limits import FIELDS, by_section
from portfolios.history.models import sign
from portfolios.models import Order, Position, Price, RiskPolicy, Security, Strategy


@admin.register(Strategy)
class StrategyAdmin(BooksEditAdmin):
    """Strategies with their accounts and the versions of their policy."""

    deleting = DeleteVersioned
    list_display = ["name", "state", "id", "created"]
    list_filter = ["status"]
    search_fields = ["name", "id"]
    fields = ["name", "description", "status", "id", "created_at", "updated_at"]
    readonly_fields = ["id", "created_at", "updated_at"]
    empty_list = "No strategy yet. Add one: research is executed for a strategy."

    state = state_column("status", "status")
    created = column("created", "created_at", moment)

    def sections(self, request: HttpRequest, row: Strategy) -> list[Section]:
        accounts = row.accounts.select_related("strategy").order_by("provider")
        policies = row.risk_policies.order_by("-version")[:20]
        return [
            Section(
                "Accounts",
                ("Account", "Trading", "Cash", "Equity"),
                [(link(each), badge(each.trading_state, each.get_trading_state_display()), cash(each.cash_balance),
                  cash(each.equity_value)) for each in accounts],
                empty="No account yet. One is opened by the first execution, or by hand.",
            ),
            Section(
                "Risk policy, newest version first",
                ("Version", "Position %", "Sector %", "Shorts", "On breach", "Made"),
                [(link(each), units(each.max_position_percent), units(each.max_sector_percent),
                  "yes" if each.allow_short else "no", each.get_on_breach_display(), moment(each.created_at))
                 for each in policies],
                empty="No policy of its own: the system's limits hold, and no shorts.",
                more=list_of(RiskPolicy, strategy__id__exact=row.pk),
            ),
        ]  # fmt: skip


def _in_pairs(rows: Sequence[Limit]) -> list[str | tuple[str, ...]]:
    """Return the fields two by two; a list of symbols needs a row to itself."""
    short = [row.field for row in rows if row.kind is not Kind.SYMBOLS]
    long = [row.field for row in rows if row.kind is Kind.SYMBOLS]
    return [*(tuple(short[at : at + 2]) for at in range(0, len(short), 2)), *long]


@admin.register(RiskPolicy)
class RiskPolicyAdmin(BooksEditAdmin):
    """Limits and costs, one row a version. Saving makes the next version: runs refer to the ones before."""

    form = PolicyForm
    deleting = DeleteVersioned
    list_display = [
        "title",
        "strategy_link",
        "max_position_percent",
        "max_sector_percent",
        "allow_short",
        "on_breach",
    ]
    list_filter = ["allow_short", "on_breach"]
    search_fields = ["strategy__name"]
    list_select_related = ["strategy"]
    autocomplete_fields = ["strategy"]
    empty_list = "No policy yet: the system's limits hold for every strategy, and no shorts."
    fieldsets: ClassVar[Any] = [
        (None, {"fields": ["strategy"]}),
        *((str(section), {"fields": _in_pairs(rows)}) for section, rows in by_section().items()),
    ]

    @admin.display(description="version", ordering="version")
    def title(self, row: RiskPolicy) -> str:
        """Return the version."""
        return str(row)

    @admin.display(description="strategy", ordering="strategy__name")
    def strategy_link(self, row: RiskPolicy) -> SafeString | str:
        """Return the strategy as a link."""
        return link(row.strategy)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """A version stays with its strategy."""
        return ["strategy"] if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The versions are the policy's history."""
        return False

    # A version is all limits and costs of its strategy. "Add" asks for the strategy first, then shows the newest
    # version to start from: a form that started from nothing would drop what nobody looked at.

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Ask for the strategy alone until it is known."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is not None or _strategy_asked_for(request) is not None:
            return fieldsets
        words = "Choose the strategy and save. The form then shows its newest version, for you to start from."
        return [(None, {"fields": ["strategy"], "description": words})]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Go on to the form of the strategy once it is chosen."""
        if request.method == "POST" and _strategy_asked_for(request) is None and self.has_add_permission(request):
            chosen = request.POST.get("strategy")
            if chosen:  # one that there is not is asked for again
                return HttpResponseRedirect(f"{request.path}?{urlencode({'strategy': chosen})}")
        response: HttpResponse = super().add_view(request, form_url, extra_context)
        return response

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Keep the form with the strategy whose version it started from."""
        asked = _strategy_asked_for(request)
        if db_field.name == "strategy" and asked is not None:
            kwargs["queryset"] = Strategy.objects.filter(pk=asked.pk)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Start from the newest version of the strategy that the form is opened for."""
        given = super().get_changeform_initial_data(request)
        given.pop("strategy", None)
        known = _strategy_asked_for(request)
        if known is None:
            return dict(given)
        newest = known.risk_policies.order_by("-version").first()
        columns = {row.field: getattr(newest, row.field) for row in FIELDS} if newest else {}
        return {**columns, **given, "strategy": known.pk, "seen": newest_version(known.pk)}

    def lock(self, row: RiskPolicy) -> None:
        """Lock the strategy: its next version is one."""
        list(Strategy.objects.select_for_update(of=("self",)).filter(pk=row.strategy_id))

    def save_model(self, request: HttpRequest, obj: RiskPolicy, form: Any, change: bool) -> None:  # noqa: FBT001  # called by Django with these arguments
        """Write the strategy's next version; the one that was opened stays as it is."""
        self.lock(obj)
        versions = RiskPolicy.objects.filter(strategy_id=obj.strategy_id).values_list("version", flat=True)
        obj.pk, obj._state.adding = None, True
        obj.version = max(versions, default=0) + 1
        sign(obj, user=request.user, reason=form.cleaned_data["reason"])  # type: ignore[arg-type]  # nobody anonymous gets here
        obj.save(force_insert=True)


def _strategy_asked_for(request: HttpRequest) -> Strategy | None:
    """The strategy in the address of a form."""
    return _known_strategy(request.GET.get("strategy")).first()


def _known_strategy(text: object) -> QuerySet[Strategy]:
    """The strategy that an address names; none for something else."""
    try:
        return Strategy.objects.filter(pk=UUID(str(text)))
    except ValueError:
        return Strategy.objects.none()


@admin.register(Security)
class SecurityAdmin(BooksEditAdmin):
    """Securities; an empty sector is worth a look, as its limit cannot be checked."""

    deleting = DeleteVersioned
    confirmed: ClassVar[Sequence[type[ConfirmedAction]]] = (ApplySplit, RecordDividend, ChangeSymbol)
    list_display = ["symbol_itself", "name", "sector", "exchange", "currency", "step", "is_active", "is_verified"]
    list_filter = ["is_verified", "is_active", "sector", "asset_class", "currency"]
    search_fields = ["symbol", "name"]
    fields = [
        "symbol", "name", "sector", "exchange", "currency", "asset_class", "quantity_step", "minimum_quantity",
        "is_active", "is_verified", "created_at", "updated_at",
    ]  # fmt: skip
    readonly_fields = ["created_at", "updated_at"]
    empty_list = "No security yet. Import them, or let research name them: those wait to be verified."

    symbol_itself = column("symbol", "symbol", str)
    step = column("step", "quantity_step", units)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """The books refer to a security by its symbol, so that it stays once it is there."""
        return [*self.readonly_fields, *(["symbol"] if obj else [])]

    def sections(self, request: HttpRequest, row: Security) -> list[Section]:
        held = row.positions.filter(status=Position.Status.OPEN).select_related("account__strategy", "security")[
            :20
        ]
        prices = row.prices.order_by("-as_of")[:10]
        return [
            Section(
                "Held by",
                ("Account", "Position", "Average price", "Mark"),
                [(link(each.account), link(each), units(each.average_price), units(each.mark_price))
                 for each in held],
                empty="No account holds it.",
                more=list_of(Position, security__symbol__exact=row.symbol, status__exact="open"),
            ),
            Section(
                "Newest prices",
                ("Time", "Price", "Source"),
                [(link(each, moment(each.as_of)), units(each.price), each.source) for each in prices],
                empty="No price is stored.",
                more=list_of(Price, q=row.symbol),
                links=[("Its orders", list_of(Order, q=row.symbol))],
            ),
            newest_actions(row.symbol),
        ]  # fmt: skip


@admin.register(Price)
class PriceAdmin(BooksEditAdmin):
    """Stored prices, newest first."""

    deleting = DeleteVersioned
    list_display = ["time", "symbol", "amount", "currency", "source"]
    list_filter = ["source", "currency"]
    search_fields = ["=security__symbol"]
    search_help_text = "A whole symbol, as MSFT."
    list_select_related = ["security"]
    date_hierarchy = "as_of"
    autocomplete_fields = ["security"]
    fields = ["security", "price", "currency", "source", "as_of", "created_at"]
    readonly_fields = ["created_at"]
    empty_list = "No price is stored. Runs and marks to market store those they use."

    time = column("as of", "as_of", moment)
    amount = column("price", "price", units)
