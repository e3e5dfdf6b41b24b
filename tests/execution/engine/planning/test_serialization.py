"""What a plan was made of, written down and read again."""

import json
from dataclasses import replace
from decimal import Decimal

from execution.engine.planning.market import Quote, Unpriced
from execution.engine.planning.plan import make_plan
from execution.engine.planning.serialization import plan_input_as_data, plan_input_from_data
from execution.engine.vocabulary import Code
from tests.builders import AS_OF, given, rec

UNPRICED = {
    "MSFT": Unpriced(Code.PRICE_STALE, "database: price of 2025-12-30 21:00 UTC is older than 2 sessions"),
    "KO": Unpriced(Code.NO_PRICE, "yahoo: no market price"),
}
LINES = replace(given(rec("MSFT", "BUY", 10), rec("KO", "BUY", 5), unpriced=UNPRICED), unpriced=UNPRICED)


def test_what_comes_back_is_equal_and_plans_the_same():
    data = json.loads(json.dumps(plan_input_as_data(LINES)))
    again = plan_input_from_data(data, LINES.artifact)
    assert again == LINES
    assert make_plan(again) == make_plan(LINES)


def test_a_run_from_before_there_were_codes_had_no_price():
    data = {**plan_input_as_data(LINES), "unpriced": {"KO": "yahoo: no market price"}}
    assert plan_input_from_data(data, LINES.artifact).unpriced == {"KO": UNPRICED["KO"]}


def test_a_run_from_before_securities_could_be_inactive_had_active_ones():
    data = json.loads(json.dumps(plan_input_as_data(LINES)))
    for known in data["instruments"].values():
        del known["active"]
    assert plan_input_from_data(data, LINES.artifact) == LINES


def test_an_inactive_security_stays_inactive():
    lines = given(rec("MSFT", "BUY", 10), rec("KO", "BUY", 5), inactive=["KO"])
    again = plan_input_from_data(json.loads(json.dumps(plan_input_as_data(lines))), lines.artifact)
    assert {symbol: known.active for symbol, known in again.instruments.items()} == {"MSFT": True, "KO": False}


def test_a_last_mark_stays_one():
    last = Quote(Decimal(9), "last mark", AS_OF, reduce_only=True)
    lines = replace(LINES, quotes={**LINES.quotes, "PG": last})
    assert plan_input_from_data(json.loads(json.dumps(plan_input_as_data(lines))), lines.artifact) == lines
