"""The table of what may become of an order: as it was designed, and as the tables of the books have it."""

from typing import Any

import pytest
from django.db.models import CheckConstraint, Q

from portfolios.domain.order_states import (
    DENIED,
    EXECUTED,
    ORDER_TRANSITIONS,
    PLANNED,
    TERMINAL,
    TRANSITIONS,
    Cause,
    OrderStatus,
    may_go,
)
from portfolios.models import Order


def causes(before: str, after: str) -> set[str]:
    """Return who may cause a step."""
    return {
        str(cause) for step in TRANSITIONS if (step.before, step.after) == (before, after) for cause in step.causes
    }


def test_a_pending_order_is_filled_in_part_or_whole_canceled_rejected_or_failed():
    assert ORDER_TRANSITIONS["pending"] == {"filled", "partially_filled", "canceled", "rejected", "failed"}
    assert ORDER_TRANSITIONS["partially_filled"] == {"filled", "canceled"}


def test_what_leads_nowhere_is_final():
    assert {"filled", "canceled", "rejected", "failed"} == TERMINAL


def test_to_deny_is_ours_and_to_reject_is_the_venue_s():
    assert causes(PLANNED, DENIED) == {"ours"}
    assert causes("pending", "rejected") == {"venue"}
    assert causes("pending", "failed") == {"ours"}


@pytest.mark.parametrize("after", OrderStatus)
def test_a_person_fills_or_cancels_what_waits_and_nothing_else(after: OrderStatus):
    assert may_go("pending", after, cause=Cause.PERSON) is (after in ("filled", "canceled"))
    assert not any(may_go(before, after, cause=Cause.PERSON) for before in OrderStatus if before != "pending")


def test_every_step_is_listed_once_and_somebody_may_take_it():
    assert len({(step.before, step.after) for step in TRANSITIONS}) == len(TRANSITIONS)
    assert all(step.causes and step.before != step.after for step in TRANSITIONS)


def test_every_status_can_be_reached_from_a_plan():
    reached, steps = {PLANNED}, list(TRANSITIONS)
    for _ in steps:
        reached |= {step.after for step in steps if step.before in reached}
    assert reached == {PLANNED, DENIED, *OrderStatus}


def test_an_order_that_is_only_planned_or_denied_is_not_in_the_books():
    assert {PLANNED, DENIED}.isdisjoint(OrderStatus)
    assert not any(step.after == PLANNED for step in TRANSITIONS)
    assert not any(step.before == DENIED for step in TRANSITIONS)


def test_the_orders_column_knows_the_same_statuses():
    assert sorted(Order.Status.values) == sorted(OrderStatus)


def statuses_in(condition: Any) -> list[set[str]]:
    """Return each list of statuses in a constraint's condition, in their order."""
    if isinstance(condition, Q):
        return [found for child in condition.children for found in statuses_in(child)]
    lookup, values = condition
    return [set(values)] if lookup == "status__in" else []


def test_the_constraints_know_the_same_statuses():
    conditions = {
        each.name: each.condition for each in Order._meta.constraints if isinstance(each, CheckConstraint)
    }
    known, executed = set(Order.Status.values), set(EXECUTED)
    assert statuses_in(conditions["order_status_known"]) == [known]
    assert statuses_in(conditions["order_filled_exactly_when_it_says_so"]) == [executed, known - executed]
