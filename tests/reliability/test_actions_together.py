"""Several people book corporate actions of one security at the same time, while it is traded."""

from pathlib import Path

import pytest

from portfolios.ledger import check_books
from portfolios.models import CorporateAction, LedgerEntry
from tests.processes import command_environment, start
from tests.scenes import Desk, assert_books_balance, line

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

CALLS = [
    ["apply_split", "MSFT", "4:1", "--date", "2026-01-06"],
    ["apply_split", "MSFT", "4:1", "--date", "2026-01-06"],
    ["apply_split", "MSFT", "4:1", "--date", "2026-01-06"],
    ["record_dividend", "MSFT", "0.5", "--date", "2026-01-06"],
    ["record_dividend", "MSFT", "0.5", "--date", "2026-01-06"],
    ["apply_split", "MSFT", "3:1", "--date", "2026-01-09"],
]


def test_every_action_is_booked_once_whoever_comes_first(desk: Desk, tmp_path: Path):
    desk.run([line("MSFT", "BUY", 10)], prices={"MSFT": "100"})
    env = command_environment(tmp_path)
    started = [start(["manage.py", *call], env) for call in CALLS]
    answers = [process.communicate() for process in started]
    # The later split may have come first: then the earlier one says that it has to be reversed.
    for process, (_, said) in zip(started, answers, strict=True):
        assert process.returncode == 0 or "reverse it first" in said, said
    splits = CorporateAction.objects.filter(kind="split")
    units = 100
    for action in splits:
        units *= action.new_units
    assert desk.position("MSFT").quantity == units
    assert LedgerEntry.objects.filter(kind="SPLIT").count() == splits.count()
    assert LedgerEntry.objects.get(kind="DIVIDEND").amount == 50
    assert check_books(desk.account) == []
    assert_books_balance(desk.account)
