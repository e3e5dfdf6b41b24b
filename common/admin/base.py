"""What all pages share: lists that stay fast, actions that ask first, tables below a row's own fields."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.http import urlencode

from common.admin.columns import Section, page_of
from common.admin.confirm import ConfirmedAction, confirm
from common.admin.paginator import CappedPaginator

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin  # takes type parameters in the stubs only


Sections = Callable[[HttpRequest, Any], Sequence[Section]]


@dataclass(slots=True)
class _Additions:
    """What other apps add to the pages of a model."""

    above: list[Sections] = field(default_factory=list)
    below: list[Sections] = field(default_factory=list)
    actions: list[type[ConfirmedAction]] = field(default_factory=list)


_additions: dict[type[Model], _Additions] = {}


def add_to_pages(
    model: type[Model],
    *,
    above: Sections | None = None,
    below: Sections | None = None,
    actions: Sequence[type[ConfirmedAction]] = (),
) -> None:
    """Add to the admin of another app's model: tables above or below its own, and actions after its own.

    Called once, where the app that adds has its admin: the app whose model it is need not know of it.
    """
    added = _additions.setdefault(model, _Additions())
    added.above += [above] if above else []
    added.below += [below] if below else []
    added.actions += actions


class FoliosAdmin(_ModelAdmin):
    """Lists without a full count, rows with their tables and actions; nothing is deleted in bulk."""

    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 50
    paginator = CappedPaginator
    # What a list without rows says.
    empty_list = "Nothing here yet."
    confirmed: ClassVar[Sequence[type[ConfirmedAction]]] = ()

    # --- what belongs to a row ---

    def sections(self, request: HttpRequest, row: Any) -> list[Section]:
        """Return the tables below a row's own fields, without those that other apps add."""
        return []

    def _all_sections(self, request: HttpRequest, row: Any) -> list[Section]:
        made = [*self._added.above, self.sections, *self._added.below]
        return [section for sections in made for section in sections(request, row)]

    @property
    def _added(self) -> _Additions:
        return _additions.get(self.model, _Additions())

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
            context["sections"] = self._all_sections(request, obj)
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
        name = f"{self.opts.app_label}_{self.opts.model_name}_do"
        ours = path("do/<slug:name>/", self.admin_site.admin_view(self.do_view), name=name)
        return [ours, *super().get_urls()]

    def do_view(self, request: HttpRequest, name: str) -> HttpResponse:
        action = next((each for each in self._all_confirmed() if each.name == name), None)
        if action is None:
            raise Http404
        return confirm(request, action, admin=self, back=self._back(request, action))

    def _back(self, request: HttpRequest, action: ConfirmedAction) -> str:
        ids = (request.POST.get("ids") or request.GET.get("ids", "")).split(",")
        if action.wants_rows and len(ids) == 1 and ids[0]:
            return page_of(self.model, "change", ids[0])
        return page_of(self.model, "changelist")

    def _all_confirmed(self) -> list[ConfirmedAction]:
        return [each() for each in (*self.confirmed, *self._added.actions)]

    def _allowed(self, request: HttpRequest) -> list[ConfirmedAction]:
        return [each for each in self._all_confirmed() if request.user.has_perm(each.permission)]

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
    """Rows that the product writes and people read: nobody adds, edits or deletes one by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def is_list(request: HttpRequest) -> bool:
    """Whether the request is for a list, which needs less of every row."""
    match = request.resolver_match
    return match is not None and (match.url_name or "").endswith("_changelist")
