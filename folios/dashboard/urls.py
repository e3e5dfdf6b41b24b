"""Addresses of the pages."""

from django.urls import path

from folios.dashboard.views import (
    accounts,
    corporate_actions,
    inbox,
    line_resolution,
    overview,
    prices,
    research,
    reversal,
    runs,
    strategies,
    system,
)

app_name = "dashboard"

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("examples/", overview.examples, name="examples"),
    path("accounts/<uuid:account_id>/", accounts.account, name="account"),
    path("strategies/", strategies.strategies, name="strategies"),
    path("strategies/<uuid:strategy_id>/", strategies.strategy, name="strategy"),
    path("research/", inbox.inbox, name="research"),
    path("research/scan/", inbox.scan, name="inbox-scan"),
    path("research/execute/", inbox.execute_ready, name="execute-ready"),
    path("research/<uuid:request_id>/", research.request_page, name="request"),
    path("research/<uuid:request_id>/preview/", research.preview, name="preview"),
    path("research/<uuid:request_id>/execute/", research.execute_request, name="execute"),
    path("research/<uuid:request_id>/assign/", inbox.assign, name="assign"),
    path("research/<uuid:request_id>/ignore/", inbox.ignore, name="ignore"),
    path("research/<uuid:request_id>/lines/<int:number>/resolve/", line_resolution.resolve, name="line-resolve"),
    path("runs/", runs.runs, name="runs"),
    path("runs/<uuid:run_id>/", runs.run, name="run"),
    path("runs/<uuid:run_id>/check/", runs.run_check, name="run-check"),
    path("runs/<uuid:run_id>/reverse/", reversal.reverse_page, name="run-reverse"),
    path("runs/<uuid:run_id>/report.json", runs.run_report, name="run-report"),
    path("prices/", prices.prices, name="prices"),
    path("prices/<int:refused_id>/accept/", prices.accept, name="price-accept"),
    path("books/", system.books_page, name="books"),
    path("books/<uuid:account_id>/", system.account_books, name="account-books"),
    path("corporate-actions/", corporate_actions.actions, name="corporate-actions"),
    path("corporate-actions/<int:action_id>/", corporate_actions.action_page, name="corporate-action"),
    path("corporate-actions/<int:action_id>/reverse/", corporate_actions.reverse_page, name="action-reverse"),
    path("corporate-actions/<slug:kind>/", corporate_actions.book_page, name="action-book"),
    path("system/", system.system, name="system"),
    path("timezone/", system.timezone_page, name="timezone"),
]
