"""Addresses of the project. The admin is discovered here, not at start-up: see INSTALLED_APPS."""

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path

from execution.admin.audit import audit
from folios.dashboard.views import (
    accounts,
    answering,
    inbox,
    overview,
    research,
    reversals,
    runs,
    strategies,
    system,
)

admin.autodiscover()
admin.site.site_header = "Folios"
admin.site.site_title = "Folios"
admin.site.index_title = "Books and research"

urlpatterns = [
    path("admin/audit/", admin.site.admin_view(audit), name="audit"),
    path("admin/", admin.site.urls),
    path("api/", include("folios.api")),
    path("login/", LoginView.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("", overview.overview, name="overview"),
    path("examples/", overview.examples, name="examples"),
    path("accounts/<uuid:account_id>/", accounts.account, name="account"),
    path("strategies/", strategies.strategies, name="strategies"),
    path("strategies/<uuid:strategy_id>/", strategies.strategy, name="strategy"),
    path("research/", inbox.inbox, name="research"),
    path("research/look/", inbox.look, name="look"),
    path("research/execute/", inbox.execute_ready, name="execute-ready"),
    path("research/<uuid:request_id>/", research.request_page, name="request"),
    path("research/<uuid:request_id>/preview/", research.preview, name="preview"),
    path("research/<uuid:request_id>/execute/", research.execute_request, name="execute"),
    path("research/<uuid:request_id>/assign/", inbox.assign, name="assign"),
    path("research/<uuid:request_id>/ignore/", inbox.ignore, name="ignore"),
    path("research/<uuid:request_id>/lines/<int:number>/", answering.answer, name="answer"),
    path("runs/", runs.runs, name="runs"),
    path("runs/<uuid:run_id>/", runs.run, name="run"),
    path("runs/<uuid:run_id>/check/", runs.run_check, name="run-check"),
    path("runs/<uuid:run_id>/take-back/", reversals.take_back, name="take-back"),
    path("runs/<uuid:run_id>/report.json", runs.run_report, name="run-report"),
    path("books/", system.books_page, name="books"),
    path("books/<uuid:account_id>/", system.account_books, name="account-books"),
    path("system/", system.system, name="system"),
    path("zone/", system.zone, name="zone"),
]

handler400 = "folios.errors.bad_request"
handler403 = "folios.errors.permission_denied"
handler404 = "folios.errors.page_not_found"
handler500 = "folios.errors.server_error"
