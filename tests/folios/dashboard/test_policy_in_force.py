"""The strategy page shows every limit and cost of the policy in force, the stricter one of each."""

import re
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from portfolios.domain.risk_limits import FIELDS
from portfolios.models import RiskPolicy, Strategy

pytestmark = pytest.mark.django_db


def shown(client: Client, strategy: Strategy) -> dict[str, str]:
    """Return what the page says of the policy, by label."""
    client.force_login(User.objects.create_superuser("viewer", password="x"))
    text = client.get(reverse("dashboard:strategy", args=[strategy.pk])).content.decode()
    part = text.partition("Policy in force")[2].partition("</section>")[0]
    return dict(re.findall(r"<dt>(.*?)</dt>\s*<dd>(.*?)</dd>", part))


def test_all_limits_and_costs_are_there(client: Client):
    found = shown(client, Strategy.objects.create(name="Growth"))
    assert sorted(found) == sorted(row.label for row in FIELDS)
    assert (found["Largest position"], found["Orders per run"], found["Slippage"]) == ("20 %", "none", "0 bp")


def test_the_stricter_values_are_shown_in_words(client: Client, settings: Any):
    settings.RISK_LIMITS = {"max_sector_percent": Decimal("12.5"), "restricted_symbols": ["GME"]}
    strategy = Strategy.objects.create(name="Growth")
    RiskPolicy.objects.create(
        strategy=strategy, max_sector_percent=30, max_research_age_hours=1, restricted_symbols=["AMC"],
        max_order_value=5_000, commission_minimum=1, commission_per_share="0.005", on_breach="reject",
    )  # fmt: skip
    found = shown(client, strategy)
    assert [
        found[label]
        for label in (
            "Largest sector", "Oldest research", "Restricted symbols", "Largest order", "Least commission",
            "Commission per unit", "On a breach", "Short selling",
        )
    ] == ["12.5 %", "1 hour", "AMC, GME", "$5,000.00", "$1.00", "$0.005", "reject", "no"]  # fmt: skip
