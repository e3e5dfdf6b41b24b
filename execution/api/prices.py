"""Refused prices over HTTP: those that wait for a person, and the call that accepts one."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from common.api.bodies import checked
from common.api.openapi import listed
from common.api.shapes import data_of
from common.api.views import RowsViewSet
from execution.api import filters
from execution.api.refusals import granted
from execution.api.requests import ReasonBody
from execution.api.serializers import AcceptedPriceShape, RefusedPriceRow
from execution.models import RefusedPrice
from execution.services import accept_price


@listed("refused prices", "refused price")
class RefusedPriceViewSet(RowsViewSet):
    """Prices of something held that were too far from the last one; those that wait have no resolution."""

    queryset = RefusedPrice.objects.all()
    serializer_class = RefusedPriceRow
    filterset_class = filters.RefusedPriceFilter
    ordering_fields = {"refused_at": "refused_at", "as_of": "as_of", "symbol": "security_id"}
    ordering = ("-refused_at",)
    search_fields = ("security__symbol", "source")
    needs = {
        "list": "execution.view_refusedprice",
        "retrieve": "execution.view_refusedprice",
        "accept": "execution.add_executionrun",
    }

    @extend_schema(
        summary="Accept a refused price",
        description="Store the price, mark every holding of its symbol at it and value their accounts, once: what"
        " does not wait any more is answered with 409. Accounts in `out_of_range` were left out.",
        request=ReasonBody,
        responses={200: AcceptedPriceShape},
    )
    def accept(self, request: Request, pk: int) -> Response:
        reason = checked(ReasonBody, request.data)["reason"]
        actor, now = request.user.get_username(), timezone.now()
        done = granted(accept_price(pk, actor=actor, reason=reason, now=now))
        return Response(data_of(done))
