"""One execution, from the artifact to the books."""

import json
import uuid
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from execution.engine.vocabulary import Code, Mode
from execution.models import ExecutionRun, Recommendation, ResearchRequest, Reversal
from execution.services import execute
from portfolios import ledger
from portfolios.domain.accounting import Action, Fill, ImpossibleFillError
from portfolios.models import (
    LedgerEntry,
    Order,
    PortfolioAccount,
    Position,
    RiskPolicy,
    Security,
    Strategy,
    Valuation,
)
from portfolios.selectors import books
from tests.scenes import (
    NOW,
    PUBLISHED,
    PUBLISHED_REQUEST,
    PUBLISHED_TASK,
    Desk,
    Inbox,
    assert_books_balance,
    line,
    outcomes,
    price_chain,
    refusal_of,
    security,
    whole_database,
)

pytestmark = pytest.mark.django_db


def test_the_published_example_books_the_published_numbers(desk: Desk):
    request = desk.inbox.put(PUBLISHED, request_id=PUBLISHED_REQUEST, task_id=PUBLISHED_TASK)
    report = desk.execute(request, prices="450")

    account, position, order = desk.account, desk.position("MSFT"), Order.objects.get()
    assert (account.cash_balance, account.equity_value) == (Decimal("90001.00"), Decimal("9999.00"))
    assert (position.side, position.status, position.quantity, position.average_price) == (
        "long", "open", Decimal("22.22"), Decimal(450),
    )  # fmt: skip
    assert (order.action, order.status, order.quantity, order.limit_price) == (
        "BUY", "filled", Decimal("22.22"), Decimal(450),
    )  # fmt: skip
    assert report.summary.total_portfolio_value == "100000.00"
    assert outcomes(report) == ["EXECUTED", "HELD"]
    assert_books_balance(account)


def test_an_order_says_where_it_comes_from(desk: Desk):
    item = line("MSFT", "BUY", 10, confidence=0.88, rationale="Cloud growth")
    request = desk.inbox.put([item], task_id=PUBLISHED_TASK, market_context="Rates are falling")
    desk.execute(request, prices={"MSFT": "450"})

    metadata = Order.objects.get().metadata
    assert metadata["request_id"] == request
    assert metadata["task_id"] == PUBLISHED_TASK
    assert metadata["recommendation_confidence"] == "0.88"
    assert metadata["market_context"] == "Rates are falling"
    assert metadata["rationale"] == "Cloud growth"
    assert metadata["idempotency_key"] == f"{desk.strategy.pk}/anthropic/{request}"
    assert (metadata["price_source"], metadata["price_as_of"]) == ("given", NOW.isoformat())


def test_the_source_of_runs_and_reversals_is_in_the_column_that_it_always_had():
    assert [model._meta.get_field("source").column for model in (ExecutionRun, Reversal)] == ["door", "door"]


def test_a_run_keeps_what_it_was_made_of(desk: Desk):
    request = desk.inbox.put(PUBLISHED, task_id=PUBLISHED_TASK)
    report = desk.execute(request, prices={"MSFT": "450"})

    run = ExecutionRun.objects.get()
    assert (run.status, run.actor, run.source) == ("succeeded", "alice", "service")
    assert (run.started_at, run.finished_at) == (NOW, NOW)
    assert (str(run.request_id), str(run.task_id), run.digest) == (request, PUBLISHED_TASK, report.run.digest)
    assert run.prices == {
        "MSFT": {"price": "450.0000", "source": "given", "as_of": NOW.isoformat(), "simulated": False}
    }
    assert run.parameters["mode"] == "allocate"
    assert run.parameters["policy"]["max_position_percent"] == "20"
    assert (run.recommendation_count, run.order_count, run.position_count) == (2, 1, 1)
    assert run.outcome_counts == {"EXECUTED": 1, "HELD": 1}
    assert not run.is_simulated
    stored = ResearchRequest.objects.get()
    assert '"MSFT"' in stored.content
    assert stored.digest == run.digest


def test_a_stand_in_price_marks_the_run_and_its_orders_as_simulated(desk: Desk):
    report = desk.run(PUBLISHED, prices="450")

    assert report.run.simulated
    assert ExecutionRun.objects.get().is_simulated
    assert Order.objects.get().is_simulated


def test_every_line_is_stored_with_its_one_decision(desk: Desk):
    security("XOM", sector="Energy")
    report = desk.run(
        [
            line("XOM", "BUY", 30, confidence=85, rationale="Oil", current_price=110.5, target_price=140),
            line("KO", "SELL"),
            line("T", "SELL_SHORT", 5),
            line("PG", "BUYY", 5),
            "not an object",
            line("PEP", "HOLD"),
        ],
        prices="100",
    )
    stored = list(Recommendation.objects.order_by("line"))
    assert [item.outcome for item in stored] == outcomes(report) == [
        "CLAMPED", "SKIPPED", "DENIED", "QUARANTINED", "QUARANTINED", "HELD",
    ]  # fmt: skip
    assert [item.codes for item in stored] == [
        ["POSITION_LIMIT"], ["NO_POSITION"], ["SHORT_NOT_ALLOWED"], ["ACTION_UNKNOWN"], ["LINE_NOT_AN_OBJECT"], [],
    ]  # fmt: skip
    first = stored[0]
    assert (first.confidence, first.confidence_raw) == (Decimal("0.85"), "85")
    assert (first.claimed_price, first.target_price) == (Decimal("110.5"), Decimal(140))
    assert isinstance(first.raw, dict)
    assert first.raw["allocation_percent"] == "30"
    assert [order.security_id for order in first.orders.all()] == ["XOM"]
    assert all(item.reason.endswith(".") for item in stored)
    position_verdict = next(v for v in first.verdicts if v["code"] == "POSITION_LIMIT")
    assert position_verdict == {
        "code": "POSITION_LIMIT", "result": "clamped", "before": "30000.00", "after": "20000.00",
        "room": "20000.00",
    }  # fmt: skip


def test_an_unknown_symbol_becomes_an_unverified_security(desk: Desk):
    desk.run([line("MSFT", "BUY", 10)])
    assert Security.objects.values_list("symbol", "is_verified", "sector").get() == ("MSFT", False, "")


def test_a_skipped_symbol_is_not_remembered_as_a_security(desk: Desk):
    desk.run([line("MSFT", "SELL"), line("AAPL", "HOLD")])
    assert not Security.objects.exists()


def test_a_later_request_updates_the_existing_position(desk: Desk):
    desk.run([line("MSFT", "BUY", 10)], prices={"MSFT": "450"})
    desk.run([line("MSFT", "BUY", 5)], prices={"MSFT": "500"})

    position = desk.position("MSFT")
    total = Decimal("90001.00") + Decimal("22.22") * 500
    bought = (total * 5 / 100 / 500).quantize(Decimal("0.01"))
    assert position.quantity == Decimal("22.22") + bought
    assert position.cost_basis == Decimal("9999.00") + bought * 500
    assert Position.objects.count() == 1
    assert PortfolioAccount.objects.count() == 1
    assert_books_balance(desk.account)


def test_sells_fund_the_buys_of_the_same_research(desk: Desk):
    for symbol in ("A", "B", "C", "D", "E"):
        desk.run([line(symbol, "BUY", 20)], prices="100")
    assert desk.account.cash_balance == 0

    report = desk.run([line("F", "BUY", 20), line("A", "SELL")], prices="100")

    assert outcomes(report) == ["EXECUTED", "EXECUTED"]
    assert [order.action for order in report.orders] == ["SELL", "BUY"]
    assert desk.account.cash_balance == 0
    assert_books_balance(desk.account)


def test_a_sell_closes_the_position_and_realizes_its_profit(desk: Desk):
    desk.run([line("MSFT", "BUY", 10)], prices={"MSFT": "450"})
    desk.run([line("MSFT", "SELL", 3)], prices={"MSFT": "500"})

    position = Position.objects.get()
    assert (position.status, position.quantity, position.cost_basis) == ("closed", 0, 0)
    assert position.realized_pnl == Decimal("22.22") * 50
    assert position.closed_at == NOW
    assert desk.account.cash_balance == Decimal(100_000) + Decimal("1111.00")
    assert_books_balance(desk.account)


def test_a_closed_position_is_history_and_a_new_buy_opens_another(desk: Desk):
    for action in ("BUY", "SELL", "BUY"):
        desk.run([line("MSFT", action, 10)])
    assert list(Position.objects.order_by("status").values_list("status", flat=True)) == ["closed", "open"]
    assert_books_balance(desk.account)


def _allow_shorts(desk: Desk, **costs: Any) -> None:
    RiskPolicy.objects.create(strategy=desk.strategy, allow_short=True, **costs)


def test_a_short_brings_cash_and_leaves_the_total_unchanged(desk: Desk):
    _allow_shorts(desk)
    security("TSLA", sector="Autos")
    desk.run([line("TSLA", "SELL_SHORT", 4.912)], prices={"TSLA": "175.44"})

    account, position = desk.account, desk.position("TSLA")
    assert (position.side, position.quantity) == ("short", Decimal(28))
    assert (account.cash_balance, account.equity_value) == (Decimal("104912.32"), Decimal("-4912.32"))
    assert_books_balance(account)


def test_a_flip_is_two_orders_that_share_their_line(desk: Desk):
    _allow_shorts(desk)
    desk.run([line("MSFT", "BUY", 5)], prices={"MSFT": "50"})
    report = desk.run([line("MSFT", "SELL_SHORT", 10)], prices={"MSFT": "50"})

    assert [(order.action, order.position_effect) for order in report.orders] == [
        ("SELL", "closed"), ("SELL_SHORT", "opened"),
    ]  # fmt: skip
    assert len(report.decisions[0].order_ids) == 2
    assert Recommendation.objects.get(run__id=report.run.id or "").orders.count() == 2
    assert desk.position("MSFT").side == "short"
    assert_books_balance(desk.account)


def test_commissions_are_ledger_entries_of_their_own(desk: Desk):
    _allow_shorts(desk, commission_per_order=Decimal("1.50"), slippage_bps=Decimal(10))
    desk.run([line("MSFT", "BUY", 10)], prices={"MSFT": "100"})

    order = Order.objects.get()
    assert (order.fee, order.limit_price, order.average_fill_price) == (
        Decimal("1.50"), Decimal(100), Decimal("100.1"),
    )  # fmt: skip
    kinds = list(LedgerEntry.objects.order_by("sequence").values_list("kind", "amount"))
    assert kinds == [("DEPOSIT", 100_000), ("BUY", Decimal("-10010.00")), ("FEE", Decimal("-1.50"))]
    assert desk.position("MSFT").realized_pnl == Decimal("-1.50")
    assert_books_balance(desk.account)


def test_the_run_values_the_account(desk: Desk):
    desk.run(PUBLISHED, prices="450")
    valuation = Valuation.objects.get()
    assert (valuation.as_of, valuation.cash, valuation.equity, valuation.total, valuation.external_flow) == (
        NOW, Decimal(90_001), Decimal(9_999), Decimal(100_000), Decimal(100_000),
    )  # fmt: skip


def test_a_holding_that_research_does_not_mention_keeps_its_mark_under_a_stand_in_price(desk: Desk):
    desk.run([line("MSFT", "BUY", 10)], prices={"MSFT": "450"})
    desk.run([line("KO", "BUY", 1)], prices="100")
    assert desk.position("MSFT").mark_price == 450


def test_a_holding_that_research_does_not_mention_is_marked_at_a_known_price(desk: Desk):
    desk.run([line("MSFT", "BUY", 10)], prices={"MSFT": "450"})
    desk.run([line("KO", "BUY", 1)], prices={"KO": "60", "MSFT": "460"})
    assert desk.position("MSFT").mark_price == 460
    assert_books_balance(desk.account)


# Idempotency


def test_the_same_request_again_is_a_replay_with_the_same_report_and_no_write(desk: Desk):
    request = desk.inbox.put(PUBLISHED)
    first = desk.execute(request, prices="450")
    before = whole_database()

    again = desk.execute(request, prices="999")

    note = "This call gives other prices than the request was executed at (in brackets): MSFT 999.00 (450.00)."
    assert again == replace(first.as_replay(), notes=[note])
    assert again.run.replay
    assert not first.run.replay
    assert whole_database() == before


def test_a_preview_after_the_run_is_the_replay_too(desk: Desk):
    request = desk.inbox.put(PUBLISHED)
    first = desk.execute(request, prices="450")
    assert desk.preview(request, prices="450") == first.as_replay()


def test_a_changed_artifact_is_refused_and_writes_nothing(desk: Desk):
    request = desk.inbox.put(PUBLISHED, task_id=PUBLISHED_TASK)
    desk.execute(request)
    before = whole_database()

    desk.inbox.put([line("MSFT", "BUY", 11)], request_id=request, task_id=PUBLISHED_TASK)
    refusal = refusal_of(execute(desk.execution_request(request)))

    assert refusal.code == Code.ARTIFACT_CHANGED
    assert whole_database() == before


def test_two_different_requests_with_the_same_line_both_trade(desk: Desk):
    desk.run([line("MSFT", "BUY", 5)])
    desk.run([line("MSFT", "BUY", 5)])
    assert Order.objects.count() == 2
    assert len(set(Order.objects.values_list("client_order_id", flat=True))) == 2


def test_one_request_may_run_once_in_the_account_of_each_provider(desk: Desk):
    request = desk.inbox.put(PUBLISHED)
    desk.execute(request)
    replace(desk, provider="openai").execute(request)
    assert ExecutionRun.objects.count() == 2
    assert PortfolioAccount.objects.count() == 2


# Preview and plan token


def test_a_preview_says_what_the_run_will_do_and_writes_nothing(desk: Desk):
    request = desk.inbox.put(PUBLISHED)
    before = whole_database()
    seen = desk.preview(request, prices="450")
    assert whole_database() == before

    done = desk.execute(request, prices="450")

    assert seen.run.status == "previewed"
    assert seen.summary == done.summary
    # The same sentences, but for the tense: nothing was bought yet.
    assert "Would buy 22.22 MSFT" in seen.decisions[0].reason
    assert [d.reason.replace("Would buy", "Bought") for d in seen.decisions] == [d.reason for d in done.decisions]
    assert [o.client_order_id for o in seen.orders] == [o.client_order_id for o in done.orders]
    assert seen.plan_token == done.plan_token


def test_the_token_of_an_unchanged_plan_lets_it_run(desk: Desk):
    request = desk.inbox.put(PUBLISHED)
    token = desk.preview(request, prices="450").plan_token
    assert desk.execute(request, prices="450", plan_token=token).run.status == "succeeded"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"prices": price_chain("451")}, "the prices changed"),
        ({"initial_balance": Decimal(50_000)}, "the account's books changed"),
        ({"mode": Mode.TARGET}, "the policy, the options or the answers of people changed"),
        ({"plan_token": "nonsense"}, "the token is not a plan token"),
    ],
)
def test_a_plan_that_changed_since_its_preview_is_refused_in_words(desk: Desk, change: dict[str, Any], words: str):
    request = desk.inbox.put(PUBLISHED)
    token = desk.preview(request, prices="450").plan_token
    before = whole_database()

    changed = replace(desk.execution_request(request, prices="450", plan_token=token), **change)
    refusal = refusal_of(execute(changed))

    assert refusal.code == Code.PLAN_CHANGED
    assert words in refusal.message
    assert whole_database() == before


def test_a_plan_token_notices_a_trade_in_between(desk: Desk):
    desk.run([line("KO", "BUY", 1)])
    request = desk.inbox.put(PUBLISHED)
    token = desk.preview(request).plan_token
    desk.run([line("KO", "BUY", 1)])
    refusal = refusal_of(execute(desk.execution_request(request, plan_token=token)))
    assert "the account's books changed" in refusal.message


# Trading states and policies


def test_a_halted_account_trades_nothing(desk: Desk):
    desk.run([line("MSFT", "BUY", 5)])
    PortfolioAccount.objects.update(trading_state="HALTED")
    before = whole_database()
    assert desk.refused([line("MSFT", "SELL"), line("KO", "BUY", 5)]).code == "TRADING_HALTED"
    assert whole_database() == before


def test_a_system_that_only_reduces_stands_over_an_active_account(desk: Desk, settings: Any):
    desk.run([line("MSFT", "BUY", 5)])
    settings.TRADING_STATE = "REDUCING"
    report = desk.run([line("MSFT", "SELL"), line("KO", "BUY", 5)])
    assert outcomes(report) == ["EXECUTED", "DEFERRED"]


def test_the_newest_policy_counts_and_the_system_stands_over_it(desk: Desk):
    RiskPolicy.objects.create(strategy=desk.strategy, version=1, max_position_percent=1)
    RiskPolicy.objects.create(strategy=desk.strategy, version=2, max_position_percent=50)
    report = desk.run([line("MSFT", "BUY", 30)])
    assert report.summary.total_invested == "20000.00"
    assert ExecutionRun.objects.get().parameters["policy"]["version"] == "2"


# Failure leaves nothing behind


def test_a_fault_in_the_middle_rolls_everything_back_and_is_remembered(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    request = desk.inbox.put(PUBLISHED)
    before = whole_database()

    def break_down(*args: object, **kwargs: object) -> None:
        raise RuntimeError("the disk is on fire")

    with monkeypatch.context() as patch:
        patch.setattr("execution.runs.records.record_decisions", break_down)
        with pytest.raises(RuntimeError, match="on fire"):
            execute(desk.execution_request(request))

    failed = ExecutionRun.objects.get()
    assert (failed.status, failed.account) == ("failed", None)
    assert failed.error == "RuntimeError: the disk is on fire"
    after = whole_database()
    assert {name: rows for name, rows in after.items() if rows != before[name]}.keys() == {
        "ExecutionRun", "ResearchRequest",
    }  # fmt: skip

    assert desk.execute(request).run.status == "succeeded"
    assert_books_balance(desk.account)


def test_a_refusal_inside_the_transaction_leaves_no_account_behind(desk: Desk):
    request = desk.inbox.put(PUBLISHED)
    refusal_of(execute(desk.execution_request(request, plan_token="a.b.c.d")))
    assert not PortfolioAccount.objects.exists()
    assert not LedgerEntry.objects.exists()


def test_numbers_that_do_not_fit_the_books_are_refused(desk: Desk):
    desk.run([line("MSFT", "BUY", 20)], prices={"MSFT": "0.0001"})
    before = whole_database()
    answer = execute(desk.execution_request(desk.inbox.put([line("MSFT", "SELL")]), prices={"MSFT": "999999999"}))
    assert refusal_of(answer).code == Code.BOOKS_RANGE
    assert whole_database() == before


def test_a_strategy_is_created_with_its_first_run_or_not_at_all(db: None, inbox: Inbox):
    new = Desk(inbox, strategy=Strategy(name="Fresh"))
    request = inbox.put(PUBLISHED)
    refusal_of(execute(new.execution_request(request, create_strategy="Fresh", plan_token="a.b.c.d")))
    assert not Strategy.objects.exists()

    report = new.execute(request, create_strategy="Fresh")

    assert report.account.strategy_id == str(new.strategy.pk)
    assert Strategy.objects.get().name == "Fresh"


def test_a_strategy_that_another_caller_creates_meanwhile_does_not_count_as_a_name_taken(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    request = desk.inbox.put(PUBLISHED)
    first = desk.execute(request)
    # The race, made certain: this caller looked before the other one's commit, and goes on after it.
    looks = iter([None])
    look_again = books.find_strategy
    monkeypatch.setattr(books, "find_strategy", lambda key: next(looks, look_again(key)))
    assert desk.execute(request, create_strategy=desk.strategy.name) == first.as_replay()


def test_a_name_that_another_strategy_takes_meanwhile_is_refused_and_not_a_fault(
    db: None, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
):
    new = Desk(inbox, strategy=Strategy(name="Fresh"))
    request = inbox.put(PUBLISHED)
    Strategy.objects.create(name="Fresh")
    # The race, made certain: this caller looked before the other one's commit.
    looks = iter([False])
    look_again = books.strategy_name_taken
    monkeypatch.setattr(books, "strategy_name_taken", lambda name, **key: next(looks, look_again(name, **key)))
    refusal = refusal_of(execute(new.execution_request(request, create_strategy="Fresh")))
    assert refusal.code == Code.STRATEGY_NAME_TAKEN
    assert not PortfolioAccount.objects.exists()


def test_a_strategy_that_is_switched_off_meanwhile_executes_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    request = desk.inbox.put(PUBLISHED)
    looks = iter([desk.strategy])
    look_again = books.find_strategy
    Strategy.objects.update(status="inactive")
    monkeypatch.setattr(books, "find_strategy", lambda key: next(looks, None) or look_again(key))
    assert refusal_of(execute(desk.execution_request(request))).code == Code.STRATEGY_NOT_ACTIVE
    assert not PortfolioAccount.objects.exists()


def test_a_draft_strategy_executes_nothing(desk: Desk):
    desk.strategy.status = "draft"
    desk.strategy.save()
    refusal = refusal_of(execute(desk.execution_request(desk.inbox.put(PUBLISHED))))
    assert refusal.code == Code.STRATEGY_NOT_ACTIVE


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("provider", "openai"),
        ("request_id", str(uuid.UUID(int=1))),
        ("strategy_id", str(uuid.UUID(int=1))),
        ("task_id", str(uuid.UUID(int=1))),
    ],
)
def test_research_of_somebody_else_is_refused(desk: Desk, claim: str, value: str):
    content = json.dumps({"recommendations": PUBLISHED, claim: value}).encode()
    request = desk.inbox.put_bytes(content, name="parsed.json")
    refusal = refusal_of(execute(desk.execution_request(request)))
    assert refusal.code == Code.ARTIFACT_MISMATCH
    assert claim in refusal.message
    assert value in refusal.message


@pytest.mark.parametrize("word", ["anthropic", "claude", "Anthropic", "somebody"])
def test_a_provider_under_another_name_is_understood(desk: Desk, word: str):
    request = desk.inbox.put(PUBLISHED, name="parsed.json", provider=word)
    assert desk.execute(request).run.status == "succeeded"


# Speed


def _queries_of(desk: Desk, lines: list[dict[str, Any]]) -> int:
    with CaptureQueriesContext(connection) as captured:
        desk.run(lines)
    return len(captured)


def _mixed(count: int, start: int) -> list[dict[str, Any]]:
    buys = [line(f"S{start + n}", "BUY", 0.2) for n in range(count - 2)]
    return [*buys, line("KO", "SELL"), line("PG", "HOLD")]


def test_the_number_of_queries_does_not_grow_with_the_number_of_recommendations(desk: Desk):
    desk.run([line("KO", "BUY", 1), line("PG", "BUY", 1)])
    few = _queries_of(desk, _mixed(5, start=0))
    desk.run([line("KO", "BUY", 1)])
    many = _queries_of(desk, _mixed(200, start=1000))
    assert few == many


@pytest.mark.slow
def test_adding_to_many_positions_takes_no_more_queries_than_opening_few(desk: Desk):
    few = _queries_of(desk, _mixed(5, start=0))
    _queries_of(desk, _mixed(200, start=0))
    again = _queries_of(desk, _mixed(200, start=0))
    assert again <= few
    assert_books_balance(desk.account)


def test_bookkeeping_alone_refuses_to_sell_what_is_not_held(desk: Desk):
    desk.run([line("MSFT", "BUY", 5)])
    ticket = ledger.Ticket(
        fill=Fill("MSFT", Action.SELL, Decimal(1000), Decimal(1)),
        limit_price=Decimal(1),
        client_order_id="x",
        is_simulated=False,
        metadata={},
    )
    with pytest.raises(ImpossibleFillError):
        ledger.book_orders(
            desk.account,
            [ticket],
            positions=list(desk.account.positions.all()),
            marks={},
            context=ledger.AuditContext(actor="alice", now=NOW),
        )


# What a policy can ask for, from the table to the books


def test_a_drift_band_leaves_small_differences_alone_but_not_an_exit(desk: Desk):
    RiskPolicy.objects.create(strategy=desk.strategy, drift_band_percent=2)
    desk.run([line("MSFT", "BUY", 10), line("KO", "BUY", 1)])
    report = desk.run([line("MSFT", "BUY", 11.5), line("KO", "SELL"), line("XOM", "BUY", 3)], mode=Mode.REBALANCE)
    assert [decision.codes[0] for decision in report.decisions if decision.outcome == "SKIPPED"] == [
        "WITHIN_DRIFT_BAND"
    ]
    assert [(order.action, order.symbol) for order in report.orders] == [("SELL", "KO"), ("BUY", "XOM")]


def test_a_run_makes_no_more_orders_than_the_policy_says_and_exits_always_go(desk: Desk):
    desk.run([line("A", "BUY", 5), line("B", "BUY", 5)])
    RiskPolicy.objects.create(strategy=desk.strategy, max_orders_per_run=3)
    report = desk.run([line("C", "BUY", 5), line("D", "BUY", 5), line("A", "SELL"), line("B", "SELL")])
    assert [(order.action, order.symbol) for order in report.orders] == [
        ("SELL", "A"), ("SELL", "B"), ("BUY", "C"),
    ]  # fmt: skip
    assert (report.decisions[1].outcome, report.decisions[1].codes[-1]) == ("DENIED", "ORDERS_PER_RUN")


def test_shorts_have_limits_of_their_own_and_whole_units_where_the_policy_says_so(desk: Desk):
    RiskPolicy.objects.create(
        strategy=desk.strategy,
        allow_short=True,
        whole_share_shorts=True,
        max_single_short_percent=4,
        max_short_exposure_percent=6,
    )
    report = desk.run([line("A", "SELL_SHORT", 5), line("B", "SELL_SHORT", 4)], prices="70")
    # 85 units of 70 in all: half of them each, and the odd one to the first line.
    assert [order.quantity for order in report.orders] == ["43.00", "42.00"]
    assert [decision.codes for decision in report.decisions] == [
        ["SINGLE_SHORT_LIMIT", "SHORT_EXPOSURE_LIMIT", "SECTOR_UNVERIFIED"],
        ["SHORT_EXPOSURE_LIMIT", "SECTOR_UNVERIFIED"],
    ]


def test_a_security_has_its_own_step_and_smallest_quantity(desk: Desk):
    whole = security("A", step="1")
    fraction = security("B", step="0.0001")
    fraction.minimum_quantity = Decimal(5)
    fraction.save()
    report = desk.run([line("A", "BUY", 1), line("B", "BUY", 0.4)], prices="90")
    assert [(order.symbol, order.quantity) for order in report.orders] == [(whole.symbol, "11.00")]
    assert report.decisions[1].codes[-1] == "BELOW_MINIMUM_QUANTITY"
