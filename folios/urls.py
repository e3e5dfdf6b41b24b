"""Addresses of the project. The admin is discovered here, not at start-up: see INSTALLED_APPS."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

admin.autodiscover()
admin.site.site_header = "Folios"
admin.site.site_title = "Folios"
admin.site.index_title = "Books and research"

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", include("folios.api")),
    path("", RedirectView.as_view(pattern_name="admin:index")),
]

handler400 = "folios.errors.bad_request"
handler403 = "folios.errors.permission_denied"
handler404 = "folios.errors.page_not_found"
handler500 = "folios.errors.server_error"
