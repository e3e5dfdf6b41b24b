"""The books over HTTP: lists to filter, and what follows from an account's books."""

from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError
from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.filters import SearchFilter
from rest_framework.request import Request
from rest_framework.response import Response

from common.api.bodies import checked
from common.api.filters import Filters, Ordering
from common.api.openapi import listed
from common.api.pagination import NewestEntries, NewestOrders
from common.api.problems import ProblemError
from common.api.rows import chosen, columns_of, shown
from common.api.shapes import data_of, shape_of
from common.api.views import RowsViewSet
from portfolios import reference_data
from portfolios.api import filters
from portfolios.api import serializers as rows
from portfolios.api.requests import PerformanceQuery, PriceBody, RiskPolicyBody, StrategyBody, TradingStateBody
from portfolios.ledger import CannotBookError
from portfolios.models import (
    LedgerEntry,
    Order,
    PortfolioAccount,
    Position,
    Price,
    RiskPolicy,
    Security,
    Strategy,
    Valuation,
)
from portfolios.selectors import books
from portfolios.trading_states import StateSet, set_trading_state
from portfolios.valuation.metrics import AccountFigures, PerformanceFigures, account_figures, account_performance


@listed("strategies", "strategy")
class StrategyViewSet(RowsViewSet):
    """Investment ideas. Each provider that follows one trades in an account of its own."""

    queryset = Strategy.objects.all()
    serializer_class = rows.StrategyRow
    filterset_class = filters.StrategyFilter
    ordering_fields = {"name": "name", "created_at": "created_at", "status": "status"}
    ordering = ("name",)
    search_fields = ("name", "description")
    needs = {
        "list": "portfolios.view_strategy",
        "retrieve": "portfolios.view_strategy",
        "create": "portfolios.add_strategy",
    }

    @extend_schema(
        summary="Create a strategy",
        description="Write a new active strategy. With an id of your own, the same call again gives 200.",
        request=StrategyBody,
        responses={200: rows.StrategyRow, 201: rows.StrategyRow},
    )
    def create(self, request: Request) -> Response:
        body = checked(StrategyBody, request.data)
        strategy_id = body.get("id") or uuid4()
        try:
            is_new = reference_data.ensure_strategy(
                strategy_id=strategy_id, name=body["name"], description=body.get("description", "")
            )
        except (reference_data.StrategyNameTakenError, IntegrityError) as error:
            message = f"a strategy named {body['name']!r} exists already"
            raise ProblemError(status=409, code="STRATEGY_NAME_TAKEN", detail=message) from error
        strategy = books.find_strategy(strategy_id)
        if strategy is not None and strategy.name != body["name"]:
            message = f"strategy {strategy_id} exists already, as {strategy.name!r}"
            raise ProblemError(status=409, code="CONFLICT", detail=message)
        return self.created(strategy, is_new=is_new)


@listed("risk policies", "risk policy")
class RiskPolicyViewSet(RowsViewSet):
    """Limits and costs, one row a version; the newest version of a strategy counts."""

    queryset = RiskPolicy.objects.all()
    serializer_class = rows.RiskPolicyRow
    filterset_class = filters.RiskPolicyFilter
    filter_backends = [Filters, Ordering]
    ordering_fields = {"version": "version", "created_at": "created_at"}
    ordering = ("-created_at",)
    needs = {
        "list": "portfolios.view_riskpolicy",
        "retrieve": "portfolios.view_riskpolicy",
        "create": "portfolios.add_riskpolicy",
    }

    @extend_schema(
        summary="Add a version of a policy",
        description="Write the next version of a strategy's limits and costs, which counts from now on.",
        request=RiskPolicyBody,
        responses={201: rows.RiskPolicyRow},
    )
    def create(self, request: Request) -> Response:
        limits = checked(RiskPolicyBody, request.data)
        strategy = limits.pop("strategy")
        try:
            policy = reference_data.add_risk_policy(strategy_id=strategy.pk, limits=limits)
        except IntegrityError as error:
            message = "another caller adds a version at the same time: look at it and try again"
            raise ProblemError(status=409, code="CONFLICT", detail=message) from error
        return self.created(policy)


@listed("securities", "security")
class SecurityViewSet(RowsViewSet):
    """What can be held, by symbol."""

    queryset = Security.objects.all()
    serializer_class = rows.SecurityRow
    filterset_class = filters.SecurityFilter
    ordering_fields = {"symbol": "symbol", "name": "name", "sector": "sector"}
    ordering = ("symbol",)
    search_fields = ("symbol", "name")
    lookup_field = "symbol"
    needs = {"list": "portfolios.view_security", "retrieve": "portfolios.view_security"}


@listed("stored prices", "stored price")
class PriceViewSet(RowsViewSet):
    """What one unit cost at one time, by source."""

    queryset = Price.objects.all()
    serializer_class = rows.PriceRow
    filterset_class = filters.PriceFilter
    filter_backends = [Filters, Ordering]
    ordering_fields = {"as_of": "as_of", "symbol": "security_id", "price": "price"}
    ordering = ("-as_of",)
    needs = {
        "list": "portfolios.view_price",
        "retrieve": "portfolios.view_price",
        "create": "portfolios.add_price",
    }

    @extend_schema(
        summary="Store a price",
        description="Write the price of a known security; the price that the same source gave for the same time"
        " before is replaced.",
        request=PriceBody,
        responses={201: rows.PriceRow},
    )
    def create(self, request: Request) -> Response:
        body = checked(PriceBody, request.data)
        if body["as_of"] > timezone.now():
            raise serializers.ValidationError({"as_of": ["is in the future"]})
        if body["symbol"] not in books.securities([body["symbol"]]):
            raise serializers.ValidationError({"symbol": ["is not a known security"]})
        reference_data.store_prices([reference_data.PriceData(**body)])
        return self.created(books.find_price(body["symbol"], source=body["source"], as_of=body["as_of"]))


@listed("positions", "position")
class PositionViewSet(RowsViewSet):
    """Open and closed positions of all accounts."""

    queryset = Position.objects.all()
    serializer_class = rows.PositionRow
    filterset_class = filters.PositionFilter
    ordering_fields = {
        "opened_at": "opened_at", "closed_at": "closed_at", "symbol": "security_id", "quantity": "quantity",
        "cost_basis": "cost_basis", "realized_pnl": "realized_pnl",
    }  # fmt: skip
    ordering = ("-opened_at",)
    search_fields = ("security__symbol", "security__name")
    needs = {"list": "portfolios.view_position", "retrieve": "portfolios.view_position"}


@listed("orders", "order")
class OrderViewSet(RowsViewSet):
    """Orders of all accounts, newest first."""

    queryset = Order.objects.all()
    serializer_class = rows.OrderRow
    filterset_class = filters.OrderFilter
    filter_backends = [Filters, SearchFilter]
    pagination_class = NewestOrders
    search_fields = ("security__symbol", "client_order_id")
    needs = {"list": "portfolios.view_order", "retrieve": "portfolios.view_order"}


class AccountDetail(rows.AccountRow):
    """An account with its figures at the last marks of its positions, all read at one moment."""

    snapshot = shape_of(AccountFigures)()

    class Meta(rows.AccountRow.Meta):
        fields = [*rows.AccountRow.Meta.fields, "snapshot"]


@extend_schema_view(
    retrieve=extend_schema(summary="One account with weights and exposures", responses=AccountDetail)
)
@listed("accounts", "account")
class AccountViewSet(RowsViewSet):
    """The books of one strategy as one provider trades it."""

    queryset = PortfolioAccount.objects.all()
    serializer_class = rows.AccountRow
    detail_class = AccountDetail
    filterset_class = filters.AccountFilter
    ordering_fields = {
        "strategy": "strategy__name", "provider": "provider", "cash_balance": "cash_balance",
        "equity_value": "equity_value", "created_at": "created_at", "updated_at": "updated_at",
    }  # fmt: skip
    ordering = ("strategy", "provider")
    search_fields = ("strategy__name",)
    needs = {
        "list": "portfolios.view_portfolioaccount",
        "retrieve": "portfolios.view_portfolioaccount",
        "performance": "portfolios.view_valuation",
        "trading_state": "portfolios.change_portfolioaccount",
    }
    known_parameters = {"performance": frozenset({"since", "until", "benchmark"})}

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        found = account_figures(self.kwargs["pk"])
        if found is None:
            raise Http404
        account, figures = found
        columns = chosen(columns_of(AccountDetail), request.query_params.get("fields"))
        values = rows.account_values(account)
        return Response(shown({**values, "snapshot": data_of(figures)}, columns))

    @extend_schema(
        summary="How an account did",
        description="Time-weighted return, risk, trading and costs over the stored valuations. Ratios are fractions"
        " (0.05 is 5 %); a measure that the data does not give is null, never 0.",
        parameters=[PerformanceQuery],
        responses=shape_of(PerformanceFigures),
    )
    @action(detail=True)
    def performance(self, request: Request, pk: UUID) -> Response:
        asked = checked(PerformanceQuery, request.query_params)
        found = account_performance(
            pk, since=asked.get("since"), until=asked.get("until"), benchmark=asked.get("benchmark")
        )
        if found is None:
            raise Http404
        return Response(data_of(found))

    @extend_schema(
        summary="Set the trading state of an account (halted, reduce-only, active)",
        description="Set what the account may do from now on; who did it and why stays on record. In the same state"
        " already, nothing is written and `before` is `after`.",
        request=TradingStateBody,
        responses={200: shape_of(StateSet)},
    )
    def trading_state(self, request: Request, pk: UUID) -> Response:
        body = checked(TradingStateBody, request.data)
        if books.get_account(pk) is None:
            raise Http404
        try:
            answer = set_trading_state(pk, **body, actor=request.user.get_username(), now=timezone.now())
        except CannotBookError as error:
            raise ProblemError(status=422, code="CANNOT_BOOK", detail=str(error)) from error
        return Response(data_of(answer))


class _OfOneAccount(RowsViewSet):
    """Rows of the account that the address names. Raises Http404 where there is none."""

    def get_queryset(self) -> QuerySet[Any]:
        if getattr(self, "swagger_fake_view", False):
            return super().get_queryset().none()
        account_id: UUID = self.kwargs["account_id"]
        if books.get_account(account_id) is None:
            raise Http404
        return super().get_queryset().filter(account_id=account_id)


@listed("the ledger entries of an account", "ledger entry")
class LedgerViewSet(_OfOneAccount):
    """Every change of cash or holdings of one account, newest first."""

    queryset = LedgerEntry.objects.all()
    serializer_class = rows.LedgerRow
    filterset_class = filters.LedgerFilter
    filter_backends = [Filters]
    pagination_class = NewestEntries
    needs = {"list": "portfolios.view_ledgerentry"}


@listed("the valuations of an account", "valuation")
class ValuationViewSet(_OfOneAccount):
    """What one account was worth, newest first."""

    queryset = Valuation.objects.all()
    serializer_class = rows.ValuationRow
    filterset_class = filters.ValuationFilter
    filter_backends = [Filters, Ordering]
    ordering_fields = {"as_of": "as_of", "total": "total"}
    ordering = ("-as_of",)
    needs = {"list": "portfolios.view_valuation"}
