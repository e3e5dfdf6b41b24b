"""What all pages share: lists that stay fast, links, actions that ask first, tables below a row's own fields."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.contrib.auth.models import AbstractBaseUser
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from common.admin.columns import Section, link_to, page_of
from common.admin.confirm import ConfirmedAction, confirm
from common.admin.paginator import CappedPaginator
from portfolios.models import PortfolioAccount, Security

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
    Page = Callable[..., HttpResponse]
else:
    _ModelAdmin = admin.ModelAdmin  # takes type parameters in the stubs only


class FoliosAdmin(_ModelAdmin):
    """Lists without a full count, rows with their tables and actions; nothing is deleted in bulk."""

    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 50
    paginator = CappedPaginator
    # What a list without rows says.
    empty_list = "Nothing here yet."
    confirmed: ClassVar[Sequence[type[ConfirmedAction]]] = ()

    # --- columns ---

    @admin.display(description="symbol", ordering="security_id")
    def symbol(self, row: Any) -> SafeString | str:
        """Return the symbol as a link, without a look at the security."""
        return link_to(Security, row.security.pk, row.security_id) if row.security_id else "–"  # noqa: RUF001  # a dash

    @admin.display(description="account", ordering="account")
    def account_link(self, row: Any) -> SafeString | str:
        """Return the account as a link."""
        return link_to(PortfolioAccount, row.account_id, str(row.account)) if row.account_id else "–"  # noqa: RUF001  # a dash

    # --- what belongs to a row ---

    def sections(self, request: HttpRequest, row: Any) -> list[Section]:
        """Return the tables below a row's own fields."""
        return []

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,  # noqa: FBT001, FBT002  # called by Django with these arguments
        change: bool = False,  # noqa: FBT001, FBT002  # the same
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        """Show a row with its tables and with the actions that this person may use on it."""
        if obj is not None:
            context["sections"] = self.sections(request, obj)
            context["row_actions"] = self._row_actions(request, obj)
        return super().render_change_form(request, context, add=add, change=change, form_url=form_url, obj=obj)

    # --- actions ---

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list with the actions for no row in particular."""
        buttons = [(each.button, self._address(each)) for each in self._allowed(request) if not each.wants_rows]
        context = {**(extra_context or {}), "list_actions": buttons, "empty_list": self.empty_list}
        response: HttpResponse = super().changelist_view(request, context)
        return response

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Return the actions for ticked rows: each goes to its page. Nothing is deleted in bulk."""
        allowed = [each for each in self._allowed(request) if each.for_lists]
        plain = {name: action for name, action in super().get_actions(request).items() if name != "delete_selected"}
        return {**plain, **{each.name: (self._to_page(each), each.name, each.title) for each in allowed}}

    def get_urls(self) -> list[URLPattern]:
        """Add the page of the confirmed actions."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_do"
        ours = path("do/<slug:name>/", self.admin_site.admin_view(self.do_view), name=name)
        return [ours, *super().get_urls()]

    def do_view(self, request: HttpRequest, name: str) -> HttpResponse:
        """Show or perform an action."""
        action = next((each() for each in self.confirmed if each.name == name), None)
        if action is None:
            raise Http404
        return confirm(request, action, admin=self, back=self._back(request, action))

    def _back(self, request: HttpRequest, action: ConfirmedAction) -> str:
        ids = (request.POST.get("ids") or request.GET.get("ids", "")).split(",")
        if action.wants_rows and len(ids) == 1 and ids[0]:
            return page_of(self.model, "change", ids[0])
        return page_of(self.model, "changelist")

    def _allowed(self, request: HttpRequest) -> list[ConfirmedAction]:
        return [each() for each in self.confirmed if request.user.has_perm(each.permission)]

    def _row_actions(self, request: HttpRequest, row: Any) -> list[tuple[str, str]]:
        allowed = [each for each in self._allowed(request) if each.for_rows and each.applies(row)]
        return [(each.button, self._address(each, row.pk)) for each in allowed]

    def _address(self, action: ConfirmedAction, *keys: Any) -> str:
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_do"
        query = f"?{urlencode({'ids': ','.join(map(str, keys))})}" if keys else ""
        return reverse(name, args=[action.name]) + query

    def _to_page(self, action: ConfirmedAction) -> Callable[..., HttpResponse]:
        def go(_admin: Any, _request: HttpRequest, rows: Any) -> HttpResponse:
            keys = rows.values_list("pk", flat=True)[: action.most_rows + 1]
            return HttpResponseRedirect(self._address(action, *keys))

        return go


class RecordAdmin(FoliosAdmin):
    """Rows that the product writes and people read."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds a record by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody edits a record."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes a record."""
        return False


def is_list(request: HttpRequest) -> bool:
    """Whether the request is for a list, which needs less of every row."""
    match = request.resolver_match
    return match is not None and (match.url_name or "").endswith("_changelist")


def username(user: AbstractBaseUser | Any) -> str:
    """Return the name of a person as the books write it."""
    return str(user.get_username())
