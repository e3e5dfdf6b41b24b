"""Addresses of research and runs below /api/v1/."""

from django.urls import path

from execution.api.views import ExecutionViewSet, MarkViewSet, RebalanceViewSet, ResearchViewSet

urlpatterns = [
    path("research-requests/", ResearchViewSet.as_view({"get": "list", "post": "create"})),
    path("research-requests/<uuid:pk>/", ResearchViewSet.as_view({"get": "retrieve"})),
    path("executions/", ExecutionViewSet.as_view({"get": "list", "post": "create"})),
    path("executions/preview/", ExecutionViewSet.as_view({"post": "preview"})),
    path("executions/<uuid:pk>/", ExecutionViewSet.as_view({"get": "retrieve"}), name="api-execution"),
    path("executions/<uuid:pk>/explain/", ExecutionViewSet.as_view({"get": "explain"})),
    path("executions/<uuid:pk>/reproduction/", ExecutionViewSet.as_view({"get": "reproduction"})),
    path("rebalances/", RebalanceViewSet.as_view({"post": "create"})),
    path("rebalances/preview/", RebalanceViewSet.as_view({"post": "preview"})),
    path("mark-to-market/", MarkViewSet.as_view({"post": "create"})),
]
