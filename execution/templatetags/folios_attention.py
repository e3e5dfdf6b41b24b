"""What waits for a person, on the first page of the admin."""

from typing import Any

from django import template
from django.conf import settings
from django.utils import timezone

from common.admin.columns import list_of
from execution.prices.ages import usable_max_age
from execution.selectors.attention import attention as items

register = template.Library()


@register.inclusion_tag("admin/folios/attention.html", takes_context=True)
def attention(context: dict[str, Any]) -> dict[str, Any]:
    """Show what waits for a person, as far as this one may see it, each with the list of it."""
    user = context["request"].user
    found = items(
        now=timezone.now(),
        price_max_age=usable_max_age(),
        root=settings.ARTIFACTS_ROOT,
    )
    seen = [
        (item, list_of(item.model, **item.filters))
        for item in found
        if user.has_perm(f"{item.model._meta.app_label}.view_{item.model._meta.model_name}")
    ]
    return {"concerns": seen}
