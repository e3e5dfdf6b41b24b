"""Addresses of the project. The admin is discovered here, not at start-up: see INSTALLED_APPS."""

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path

from execution.admin.audit import audit

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
    path("", include("folios.dashboard.urls")),
]

handler400 = "folios.errors.bad_request"
handler403 = "folios.errors.permission_denied"
handler404 = "folios.errors.page_not_found"
handler500 = "folios.errors.server_error"
