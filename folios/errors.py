"""What is shown where no view answers: problems to callers of the API, Django's own pages to people."""

from django.http import HttpRequest, HttpResponse
from django.views import defaults

from common.api.problems import problem_response

API = "/api/"


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A request that Django does not read, as one for a host that is not ours."""
    if request.path.startswith(API):
        return problem_response(request.path, status=400, detail="The request is not one that this server reads.")
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A request that something before the views does not let pass."""
    if request.path.startswith(API):
        return problem_response(request.path, status=403, detail="This is not permitted.")
    return defaults.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """An address that is none."""
    if request.path.startswith(API):
        return problem_response(request.path, status=404, detail="There is no such address.")
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """A fault outside of the views."""
    if request.path.startswith(API):
        return problem_response(request.path, status=500, detail="The server failed; its log says why.")
    return defaults.server_error(request)
