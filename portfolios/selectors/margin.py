"""The margin that shorts want, as the policy in force says: the stricter of the system's and the strategy's."""

from collections.abc import Iterable
from decimal import Decimal
from uuid import UUID

from django.conf import settings

from common.money import HUNDRED
from portfolios.domain.risk_limits import LIMITS
from portfolios.models import RiskPolicy

_ROW = next(row for row in LIMITS if row.field == "short_margin_percent")


def short_margins(accounts: Iterable[UUID]) -> dict[UUID, Decimal]:
    """Return the margin on shorts by account, as a fraction of their value. One query.

    The same rule as in the policy of a run: what the strategy's newest policy leaves empty is the system's.
    """
    ids = list(accounts)
    versions = RiskPolicy.objects.filter(strategy__accounts__in=ids).order_by("version")
    newest = dict(versions.values_list("strategy__accounts", _ROW.field))
    return {key: margin_in_force(newest.get(key)) for key in ids}


def margin_in_force(own_percent: Decimal | None) -> Decimal:
    """Return the margin as a fraction; `own_percent` is what a strategy's newest policy says, None for nothing."""
    system: Decimal = _ROW.typed(settings.RISK_LIMITS.get(_ROW.field, _ROW.default))
    percent: Decimal = system if own_percent is None else _ROW.stricter(system, own_percent)
    return percent / HUNDRED
