"""Addresses below /api/: version 1, its schema and its documentation."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from folios import errors


@csrf_exempt
@login_not_required
def unknown(request: HttpRequest, _path: str) -> HttpResponse:
    """Answer for an address that is none, whatever the method, also where DEBUG would show a page."""
    return errors.page_not_found(request, LookupError())


class SchemaView(SpectacularAPIView):
    """The schema is the same for everybody, and needs no token."""

    authentication_classes = []
    permission_classes = []


class DocumentationView(SpectacularSwaggerSplitView):
    """Swagger UI with its script in a file of its own: the pages' policy allows nothing inline."""

    authentication_classes = []
    permission_classes = []
    url_name = "api-schema"


version_1: list[URLPattern | URLResolver] = [
    path("schema/", SchemaView.as_view(), name="api-schema"),
    path("docs/", DocumentationView.as_view(), name="api-docs"),
    path("", include("portfolios.api.urls")),
    path("", include("execution.api.urls")),
]
urlpatterns = [
    path("v1/", include(version_1)),
    re_path(r"^(.*)$", unknown),
]
