"""A risk policy's forms: "Add" starts from the newest version and shows every field, so that nothing is dropped."""

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from portfolios.domain.limit import Kind, Limit
from portfolios.domain.risk_limits import FIELDS
from portfolios.models import RiskPolicy, Strategy
from tests.folios.admin.admin_forms import edit, errors_of, form_of, page

pytestmark = pytest.mark.django_db

ADD = page(RiskPolicy, "add")


@pytest.fixture
def operator(client: Client) -> Client:
    """Return a browser with a superuser logged in."""
    client.force_login(User.objects.create_superuser("boss", password="x"))
    return client


@pytest.fixture
def strategy() -> Strategy:
    return Strategy.objects.create(name="Growth")


def unusual(row: Limit) -> Any:
    """Return a value of a field that is no field's default."""
    if row.is_decimal:
        return Decimal("7.5")
    words = row.words[-1] if row.words else None
    return {Kind.COUNT: 7, Kind.HOURS: 36, Kind.FLAG: True, Kind.SYMBOLS: ["GME"], Kind.WORD: words}[row.kind]


def values_of(policy: RiskPolicy) -> dict[str, Any]:
    return {row.field: getattr(policy, row.field) for row in FIELDS}


def address_of(strategy: Strategy) -> str:
    return f"{ADD}?strategy={strategy.pk}"


def test_a_version_that_is_added_keeps_every_field_that_nobody_touched(operator: Client, strategy: Strategy):
    first = RiskPolicy.objects.create(strategy=strategy, **{row.field: unusual(row) for row in FIELDS})
    filled = form_of(operator.get(address_of(strategy)))
    sent = operator.post(address_of(strategy), {**filled, "max_position_percent": "5"})
    assert sent.status_code == 302, errors_of(sent)
    second = RiskPolicy.objects.get(version=2)
    first.refresh_from_db()
    assert values_of(second) == values_of(first) | {"max_position_percent": Decimal(5)}


def test_a_version_that_is_edited_keeps_every_field_that_nobody_touched(operator: Client, strategy: Strategy):
    first = RiskPolicy.objects.create(strategy=strategy, **{row.field: unusual(row) for row in FIELDS})
    assert edit(operator, first, "smaller", max_position_percent="5").status_code == 302
    first.refresh_from_db()
    second = RiskPolicy.objects.get(version=2)
    assert values_of(second) == values_of(first) | {"max_position_percent": Decimal(5)}


def test_the_form_shows_every_field(operator: Client, strategy: Strategy, subtests: pytest.Subtests):
    form = operator.get(address_of(strategy)).content.decode()
    for row in FIELDS:
        with subtests.test(row.field):
            # A check box that is off sends nothing, and yet it is there.
            assert f'name="{row.field}"' in form


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_net_exposure_percent", "-1"),
        ("max_position_percent", "101"),
        ("max_order_value", "0"),
        ("max_orders_per_run", str(10**12)),
        ("commission_bps", "-1"),
    ],
)
def test_a_value_out_of_bounds_is_an_error_of_its_field(
    operator: Client, strategy: Strategy, field: str, value: str
):
    filled = form_of(operator.get(address_of(strategy)))
    refused = operator.post(address_of(strategy), {**filled, field: value})
    assert list(refused.context["adminform"].form.errors) == [field]
    assert not RiskPolicy.objects.exists()


def test_the_first_version_starts_from_the_defaults(operator: Client, strategy: Strategy):
    filled = form_of(operator.get(address_of(strategy)))
    assert operator.post(address_of(strategy), filled).status_code == 302
    fresh = RiskPolicy(strategy=strategy)
    assert values_of(RiskPolicy.objects.get()) == values_of(fresh)


def test_add_asks_for_the_strategy_first_and_saves_nothing_before(operator: Client, strategy: Strategy):
    RiskPolicy.objects.create(strategy=strategy, max_research_age_hours=24, all_or_nothing=True)
    first = operator.get(ADD)
    assert set(form_of(first)) == {"strategy"}
    asked = operator.post(ADD, {"strategy": str(strategy.pk), "max_position_percent": "5"})
    assert asked["Location"] == address_of(strategy)
    assert RiskPolicy.objects.count() == 1
    filled = form_of(operator.get(asked["Location"]))
    assert (filled["max_research_age_hours"], filled["all_or_nothing"]) == ("24", "on")


def test_add_without_a_strategy_asks_again(operator: Client, strategy: Strategy):
    assert "This field is required." in errors_of(operator.post(ADD, {"strategy": ""}))
    again = operator.post(ADD, {"strategy": "nonsense"})
    assert set(form_of(operator.get(again["Location"]))) == {"strategy"}


def test_the_form_of_one_strategy_makes_no_version_of_another(operator: Client, strategy: Strategy):
    other = Strategy.objects.create(name="Value")
    filled = form_of(operator.get(address_of(strategy)))
    sent = operator.post(address_of(strategy), {**filled, "strategy": str(other.pk)})
    assert "Select a valid choice" in errors_of(sent)
    assert not RiskPolicy.objects.exists()


def test_a_version_that_started_from_an_older_one_is_refused(operator: Client, strategy: Strategy):
    filled = form_of(operator.get(address_of(strategy)))
    RiskPolicy.objects.create(strategy=strategy, max_position_percent=5)
    sent = operator.post(address_of(strategy), filled)
    assert "another version since you opened the page" in errors_of(sent)
    assert RiskPolicy.objects.count() == 1
