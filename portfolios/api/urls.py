"""Addresses of the books below /api/v1/."""

from typing import Any

from django.urls import URLPattern, path, register_converter

from common.api.views import RowsViewSet
from portfolios.api import views
from portfolios.api.corporate_actions import ActionViewSet


class SymbolConverter:
    """A symbol in canonical form; anything else is no address."""

    regex = r"[A-Z0-9.]{1,16}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(SymbolConverter, "symbol")


def rows(address: str, view: type[RowsViewSet], *, key: str) -> list[URLPattern]:
    """Return the addresses of a list and of its rows; what can be created is posted to the list."""
    methods: dict[str, Any] = {"get": "list", **({"post": "create"} if "create" in view.needs else {})}
    return [
        path(f"{address}/", view.as_view(methods)),
        path(f"{address}/<{key}>/", view.as_view({"get": "retrieve"})),
    ]


urlpatterns = [
    *rows("strategies", views.StrategyViewSet, key="uuid:pk"),
    *rows("risk-policies", views.RiskPolicyViewSet, key="int:pk"),
    *rows("securities", views.SecurityViewSet, key="symbol:symbol"),
    *rows("prices", views.PriceViewSet, key="int:pk"),
    *rows("accounts", views.AccountViewSet, key="uuid:pk"),
    path("accounts/<uuid:pk>/performance/", views.AccountViewSet.as_view({"get": "performance"})),
    path("accounts/<uuid:pk>/trading-state/", views.AccountViewSet.as_view({"post": "trading_state"})),
    path("accounts/<uuid:account_id>/ledger/", views.LedgerViewSet.as_view({"get": "list"})),
    path("accounts/<uuid:account_id>/valuations/", views.ValuationViewSet.as_view({"get": "list"})),
    *rows("positions", views.PositionViewSet, key="uuid:pk"),
    *rows("orders", views.OrderViewSet, key="uuid:pk"),
    *rows("corporate-actions", ActionViewSet, key="int:pk"),
    *(
        path(f"corporate-actions/{address}", ActionViewSet.as_view({"post": name}))
        for address, name in (
            ("split/", "split"),
            ("split/preview/", "split_preview"),
            ("dividend/", "dividend"),
            ("dividend/preview/", "dividend_preview"),
            ("symbol-change/", "symbol_change"),
            ("symbol-change/preview/", "symbol_change_preview"),
            ("<int:pk>/reverse/", "reverse"),
        )
    ),
    path("corporate-actions/<int:pk>/reverse/preview/", ActionViewSet.as_view({"get": "reverse_preview"})),
]
