"""Addresses of research and runs below /api/v1/."""

from django.urls import path

from execution.api.inbox import DecisionViewSet, InboxViewSet, MappingRuleViewSet
from execution.api.prices import RefusedPriceViewSet
from execution.api.views import ExecutionViewSet, MarkViewSet, RebalanceViewSet, ResearchViewSet

urlpatterns = [
    path("research-requests/", ResearchViewSet.as_view({"get": "list", "post": "create"})),
    path("research-requests/<uuid:pk>/", ResearchViewSet.as_view({"get": "retrieve"})),
    path("research-requests/<uuid:pk>/assign/", DecisionViewSet.as_view({"post": "assign"})),
    path("research-requests/<uuid:pk>/ignore/", DecisionViewSet.as_view({"post": "ignore"})),
    path("research-requests/<uuid:pk>/lines/<int:line>/resolve/", DecisionViewSet.as_view({"post": "resolve"})),
    path("mapping-rules/", MappingRuleViewSet.as_view({"get": "list", "post": "create"})),
    path("mapping-rules/<int:pk>/", MappingRuleViewSet.as_view({"get": "retrieve"})),
    path("inbox/scan/", InboxViewSet.as_view({"post": "scan"})),
    path("execute-pending/", InboxViewSet.as_view({"post": "execute"})),
    path("executions/", ExecutionViewSet.as_view({"get": "list", "post": "create"})),
    path("executions/preview/", ExecutionViewSet.as_view({"post": "preview"})),
    path("executions/<uuid:pk>/", ExecutionViewSet.as_view({"get": "retrieve"}), name="api-execution"),
    path("executions/<uuid:pk>/explain/", ExecutionViewSet.as_view({"get": "explain"})),
    path("executions/<uuid:pk>/reproduction/", ExecutionViewSet.as_view({"get": "reproduction"})),
    path("executions/<uuid:pk>/reverse/", ExecutionViewSet.as_view({"post": "reverse"})),
    path("executions/<uuid:pk>/reverse/preview/", ExecutionViewSet.as_view({"get": "reverse_preview"})),
    path("executions/<uuid:pk>/retry/", ExecutionViewSet.as_view({"post": "retry"})),
    path("rebalances/", RebalanceViewSet.as_view({"post": "create"})),
    path("rebalances/preview/", RebalanceViewSet.as_view({"post": "preview"})),
    path("refused-prices/", RefusedPriceViewSet.as_view({"get": "list"})),
    path("refused-prices/<int:pk>/", RefusedPriceViewSet.as_view({"get": "retrieve"})),
    path("refused-prices/<int:pk>/accept/", RefusedPriceViewSet.as_view({"post": "accept"})),
    path("mark-to-market/", MarkViewSet.as_view({"post": "create"})),
]
