"""Research that names a security by a symbol which it has no more waits for a person: no sale is lost."""

from datetime import timedelta
from uuid import UUID

import pytest

from execution.models import ExecutionRun
from execution.research.resolutions import Author, ResolutionInput, resolve_line
from execution.runs.reproduction import Reproduced, reproduce_run
from portfolios.models import Security
from portfolios.selectors.corporate_actions import successors
from tests.portfolios.ledger.actions import day, rename, undo
from tests.scenes import NOW, Desk, line, outcomes, security

pytestmark = pytest.mark.django_db(transaction=True)
LATER = NOW + timedelta(days=3)


@pytest.fixture
def renamed(desk: Desk) -> Desk:
    """Return a desk whose holding of PFE is one of PFZ from the next day on."""
    desk.run([line("PFE", "BUY", 10)], prices={"PFE": "25"})
    security("PFZ")
    rename("PFE", "PFZ", on=1)
    return desk


def test_a_sale_of_the_former_symbol_is_not_lost(renamed: Desk):
    report = renamed.run([line("PFE", "SELL")], prices={"PFE": "25", "PFZ": "25"}, now=LATER)
    assert [(item.outcome, item.codes) for item in report.decisions] == [("QUARANTINED", ["SYMBOL_CHANGED"])]
    assert report.decisions[0].reason == (
        "Quarantined: PFE is no longer the symbol of its security "
        "(it is PFZ since 2026-01-06; confirm the line only where another security is meant)."
    )
    assert outcomes(renamed.run([line("PFZ", "SELL")], prices={"PFZ": "25"}, now=LATER)) == ["EXECUTED"]


def test_a_line_that_a_person_confirms_means_another_security(renamed: Desk):
    request = renamed.inbox.put([line("PFE", "BUY", 5)])
    renamed.execute(request, prices={"PFE": "25", "PFZ": "25"}, now=LATER)
    Security.objects.filter(symbol="PFE").update(is_active=True)
    author = Author(actor="bob", reason="the ticker was given away", now=LATER)
    resolve_line(request_id=UUID(request), line=1, resolution=ResolutionInput(), author=author)
    assert outcomes(renamed.execute(request, prices={"PFE": "25"}, now=LATER)) == ["EXECUTED"]


def test_a_hold_of_the_former_symbol_protects_what_it_means(renamed: Desk):
    report = renamed.run(
        [line("PFE", "HOLD"), line("KO", "BUY", 5)], prices={"KO": "50", "PFZ": "25"}, now=LATER,
        mode="rebalance", close_unlisted=True,
    )  # fmt: skip
    assert outcomes(report) == ["QUARANTINED", "EXECUTED"]
    assert renamed.position("PFZ").quantity == 400
    assert isinstance(reproduce_run(ExecutionRun.objects.latest("started_at").pk), Reproduced)


def test_before_its_day_and_after_its_reversal_a_symbol_is_itself(desk: Desk):
    desk.run([line("PFE", "BUY", 10)], prices={"PFE": "25"})
    security("PFZ")
    report = rename("PFE", "PFZ", on=2)
    assert successors({"PFE"}, on=day(1)) == {}
    assert successors({"PFE", "KO"}, on=day(2)) == {"PFE": ("PFZ", day(2))}
    undo(report, booked=3)
    assert successors({"PFE"}, on=day(3)) == {}


def test_a_symbol_that_changed_twice_is_the_last_one_and_one_that_came_back_is_none(desk: Desk):
    desk.run([line("PFE", "BUY", 10)], prices={"PFE": "25"})
    for symbol in ("PFZ", "PFX"):
        security(symbol)
    rename("PFE", "PFZ", on=1)
    rename("PFZ", "PFX", on=2)
    assert successors({"PFE", "PFZ", "PFX"}, on=day(2)) == {"PFE": ("PFX", day(1)), "PFZ": ("PFX", day(2))}
    rename("PFX", "PFE", on=3)
    assert successors({"PFE", "PFZ", "PFX"}, on=day(3)) == {"PFZ": ("PFE", day(2)), "PFX": ("PFE", day(3))}
