"""Addresses of the project. The admin is discovered here, not at start-up: see INSTALLED_APPS."""

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

from execution.admin.audit import audit

admin.autodiscover()
admin.site.site_header = "Folios"
admin.site.site_title = "Folios"
admin.site.index_title = "Books and research"

urlpatterns = [
    path("admin/audit/", admin.site.admin_view(audit), name="audit"),
    path("admin/", admin.site.urls),
    path("", RedirectView.as_view(pattern_name="admin:index")),
]
