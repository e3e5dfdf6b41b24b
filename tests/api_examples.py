"""The examples of the API's schema, recorded.

A caller goes through the demo's data in a database of its own, and what it sends and is answered becomes the
examples. The clock stands where the recording sets it, and ids are made by chance with a fixed seed, so that only a
change of the product changes an example.
"""

import json
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.color import no_style
from django.db import connection
from django.test import override_settings
from rest_framework.test import APIClient

from execution.demo.load import load_examples
from execution.models import LineResolution, MappingRule, RefusedPrice
from portfolios.models import CorporateAction, Price, RiskPolicy

FIRST = datetime(2026, 1, 5, 15, 0, tzinfo=UTC)  # ten in the morning in New York, a Monday
GROWTH, LEADERS = "0d5d9ea5-97f5-4f6e-9c07-8d5f7f0e6c11", "6c0f6f0e-3b1f-4c0c-8f5b-2d8f0a9e4b72"
PUSHED, UNCLEAR = "79b9930c-3a6f-4f41-ae9b-a3fa8ec37ef3", "2d4b6f8a-1c3e-4057-9a6b-8c0d2e4f6a1b"
EXECUTED, REBALANCED = "5f1f84b5-424f-4f6d-a66a-9784bf9e6604", "6a0e3c9d-7b52-4f18-a4d6-0c9b8e7f5d21"
LINES = [
    {"symbol": "MSFT", "action": "BUY", "allocation_percent": 10.0},
    {"symbol": "AAPL", "action": "HOLD", "allocation_percent": 6.0},
]

APPS = ("execution", "portfolios")
Examples = dict[str, Any]  # by the schema's component


class Recorder:
    """Calls the API and keeps, by component, what was sent and what was answered."""

    def __init__(self, user: User) -> None:
        self.examples: Examples = {}
        self._client = APIClient()
        self._client.force_authenticate(user)

    def get(self, address: str, *, answer: str = "", **parameters: Any) -> Any:
        """Return the answer to a GET, kept under the name of its component."""
        return self._kept(answer, self._client.get(f"/api/v1/{address}", parameters), status=200)

    def first(self, address: str, *, row: str, **parameters: Any) -> Any:
        """Return the first row of a list, kept under the name of its component."""
        self.examples[row] = self.get(address, **parameters)["results"][0]
        return self.examples[row]

    def post(self, address: str, sent: Any, *, body: str = "", answer: str = "", status: int = 200) -> Any:
        """Return the answer to a POST; it and the body are kept under the names of their components."""
        if body:
            self.examples[f"{body}Request"] = sent
        return self._kept(answer, self._client.post(f"/api/v1/{address}", sent, format="json"), status=status)

    def _kept(self, name: str, response: Any, *, status: int) -> Any:
        assert response.status_code == status, response.content
        said = json.loads(response.content)
        if name:
            self.examples[name] = said
        return said


def record(user: User) -> dict[str, Examples]:
    """Return the examples of each app, recorded in a database without books, by a user who may do everything."""
    with tempfile.TemporaryDirectory() as directory, _same_world() as clock:
        root = Path(directory) / "artifacts"
        with override_settings(ARTIFACTS_ROOT=root):
            load_examples(settings.BASE_DIR / "examples", root=root)
            research, books = Recorder(user), Recorder(user)
            account = _research_and_runs(research, clock)
            _books(books, account=account)
            _refused_price(research, clock)
    return dict(zip(APPS, (research.examples, books.examples), strict=True))


class _Clock:
    """Says the same time until it is moved."""

    def __init__(self) -> None:
        self.time = FIRST

    def __call__(self) -> datetime:
        return self.time

    def move(self, **passing: float) -> None:
        self.time += timedelta(**passing)


@contextmanager
def _same_world() -> Iterator[_Clock]:
    """Make the time, random ids and numbers of rows the same in every recording."""
    _count_from_one()
    clock, chance = _Clock(), random.Random(1)
    with mock.patch("django.utils.timezone.now", clock), mock.patch("os.urandom", chance.randbytes):
        yield clock


def _count_from_one() -> None:
    numbered = [
        {"table": model._meta.db_table, "column": "id"}
        for model in (CorporateAction, LineResolution, MappingRule, Price, RefusedPrice, RiskPolicy)
    ]
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_by_name_sql(no_style(), numbered):
            cursor.execute(statement)


def _research_and_runs(api: Recorder, clock: _Clock) -> str:
    """Record what the engine room answers; return the account that it traded in."""
    api.post("inbox/scan/", {}, answer="ScanReport")
    _one_run(api, clock)
    account: str = api.examples["RunRow"]["account"]
    _inbox(api, clock)
    prices = {"MSFT": "450", "KO": "62.5"}
    rebalance = {
        "request_id": REBALANCED, "strategy_id": GROWTH, "provider": "anthropic",
        "targets": {"MSFT": "12", "KO": "5.5"}, "prices": prices,
    }  # fmt: skip
    api.post("rebalances/preview/", rebalance, body="RebalanceBody")
    clock.move(days=1)
    api.post("mark-to-market/", {"prices": {"MSFT": "460"}}, body="MarkBody", answer="ValuationReport")
    return account


def _one_run(api: Recorder, clock: _Clock) -> None:
    execution = {
        "request_id": EXECUTED, "strategy_id": GROWTH, "provider": "anthropic",
        "prices": {"MSFT": "450"}, "recommendations": LINES,
    }  # fmt: skip
    api.post("executions/preview/", execution, answer="PreviewReport")
    run = api.post("executions/", execution, body="ExecutionBody", answer="Report", status=201)["run"]["id"]
    api.get(f"executions/{run}/", answer="RunDetail")
    api.first("executions/", row="RunRow", request=EXECUTED)
    api.get(f"executions/{run}/explain/", answer="Explanation", symbol="MSFT")
    api.get(f"executions/{run}/reproduction/", answer="Reproduction")
    api.first("research-requests/", row="ResearchRow", provider="anthropic")
    # Of a run that did not fail it is refused, but not for its body.
    api.post(f"executions/{run}/retry/", {"prices": {"MSFT": "451.20"}}, body="RetryBody", status=409)
    clock.move(minutes=20)


def _inbox(api: Recorder, clock: _Clock) -> None:
    """Record what people decide about research, and what becomes of it."""
    pushed = {"request_id": PUSHED, "recommendations": LINES, "market_context": "Rates unchanged."}
    api.post("research-requests/", pushed, body="ResearchBody", answer="ResearchDetail", status=201)
    assigned = {"strategy_id": LEADERS, "provider": "anthropic", "reason": "The desk says so."}
    api.post(f"research-requests/{PUSHED}/assign/", assigned, body="AssignBody")
    clock.move(minutes=20)
    pending = {"provider": "anthropic", "limit": 50, "prices": {"MSFT": "450", "AAPL": "200"}}
    done = api.post("execute-pending/", pending, body="PendingBody", answer="PendingReport")
    clock.move(minutes=20)
    address = f"executions/{done['results'][0]['run_id']}/reverse/"
    why = {"reason": "Executed for the wrong strategy."}
    api.post(address, why, body="ReasonBody", answer="ReversalReport", status=201)
    _unclear_words(api)


def _unclear_words(api: Recorder) -> None:
    lines = [{"symbol": "KO", "action": "ACCUMULATE", "allocation_percent": 2.5}, *LINES]
    asked = {"reason": "Asked the provider."}
    unclear = {"request_id": UNCLEAR, "strategy_id": LEADERS, "prices": {"MSFT": "450"}, "recommendations": lines}
    api.post("executions/", unclear, status=201)
    resolution = {"action": "BUY", "allocation_percent": "2.5", **asked}
    address = f"research-requests/{UNCLEAR}/lines/1/resolve/"
    api.post(address, resolution, body="ResolveBody", answer="ResolutionRow", status=201)
    rule = {"provider": "anthropic", "field": "action", "written": "accumulate", "meaning": "BUY", **asked}
    api.post("mapping-rules/", rule, body="RuleBody", answer="MappingRuleRow", status=201)


def _refused_price(api: Recorder, clock: _Clock) -> None:
    """Record a price that waits for a person, and its acceptance: last, for it changes what everything is worth."""
    clock.move(days=1)
    api.post("mark-to-market/", {"prices": {"MSFT": "95.5"}})
    refused = api.first("refused-prices/", row="RefusedPriceRow", waits="true")
    why = {"reason": "Split four to one this morning; the provider has confirmed it."}
    api.post(f"refused-prices/{refused['id']}/accept/", why, answer="AcceptedPrice")


def _books(api: Recorder, *, account: str) -> None:
    """Record what the books answer of an account that was traded in, and what is written into them."""
    api.get(f"strategies/{GROWTH}/", answer="StrategyRow")
    api.first("risk-policies/", row="RiskPolicyRow")
    api.get("securities/MSFT/", answer="SecurityRow")
    api.first("prices/", row="PriceRow", symbol="MSFT")
    api.first("accounts/", row="AccountRow", strategy=GROWTH)
    api.get(f"accounts/{account}/", answer="AccountDetail")
    api.get(f"accounts/{account}/performance/", answer="PerformanceFigures")
    api.first(f"accounts/{account}/ledger/", row="LedgerRow", kind="BUY")
    api.first(f"accounts/{account}/valuations/", row="ValuationRow")
    api.first("positions/", row="PositionRow", account=account)
    api.first("orders/", row="OrderRow", account=account)
    _written_into_the_books(api, account=account)


def _written_into_the_books(api: Recorder, *, account: str) -> None:
    strategy = {"id": "1e8d5b3a-7c29-4f06-b1d4-93a6e0c8f257", "name": "Large caps"}
    api.post("strategies/", strategy, body="StrategyBody", status=201)
    policy = {"strategy": GROWTH, "max_position_percent": "15", "allow_short": True}
    api.post("risk-policies/", policy, body="RiskPolicyBody", status=201)
    price = {"symbol": "MSFT", "price": "450", "source": "desk", "as_of": "2026-01-05T16:00:00-05:00"}
    api.post("prices/", price, body="PriceBody", status=201)
    _corporate_actions(api)
    state = {"state": "REDUCING", "reason": "Earnings this week."}
    api.post(f"accounts/{account}/trading-state/", state, body="TradingStateBody", answer="StateSet")


def _corporate_actions(api: Recorder) -> None:
    """Record a dividend and its reversal, a split and a change of symbol, each previewed before."""
    reason = "Notice of the company."
    dividend = {"symbol": "MSFT", "per_share": "0.83", "effective_on": "2026-01-06"}
    api.post("corporate-actions/dividend/preview/", dividend, body="DividendPreviewBody")
    sent = {**dividend, "reason": reason}
    done = api.post("corporate-actions/dividend/", sent, body="DividendBody", answer="ActionReport", status=201)
    api.get(f"corporate-actions/{done['action_id']}/", answer="ActionDetail")
    api.first("corporate-actions/", row="ActionRow")
    why = {"reason": "It was another amount."}
    api.post(f"corporate-actions/{done['action_id']}/reverse/", why, body="ActionReversalBody")
    split = {"symbol": "MSFT", "ratio": "3:1", "effective_on": "2026-01-06"}
    api.post("corporate-actions/split/preview/", split, body="SplitPreviewBody")
    api.post("corporate-actions/split/", {**split, "reason": reason}, body="SplitBody", status=201)
    change = {"symbol": "KO", "new_symbol": "COKE", "effective_on": "2026-01-06"}
    api.post("corporate-actions/symbol-change/preview/", change, body="SymbolChangePreviewBody")
    sent = {**change, "reason": reason}
    api.post("corporate-actions/symbol-change/", sent, body="SymbolChangeBody", status=201)


def directory_of(app: str) -> Path:
    """Return where the examples of an app are kept."""
    return Path(settings.BASE_DIR) / app / "api" / "examples"
