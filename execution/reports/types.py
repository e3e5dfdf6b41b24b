"""What an execution or a preview says, the same to every door.

A report holds text, whole numbers and truth values only, so that it goes through JSON and comes back equal: a
replay hands out the very report that the run stored.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class RunPart:
    """The run. `id` is None in a preview; `status` is "succeeded" or "previewed".

    `sequence` counts the runs of the request, `again` marks one of all its lines after a reversal; `market_open` is
    None where the market's calendar ends; `reversed_at` is None unless the run is replayed and its orders have been
    reversed; `deferred_until` says how long deferred lines are tried again, None where there are none.
    """

    id: str | None
    status: str
    replay: bool
    simulated: bool
    request_id: str
    task_id: str
    digest: str
    mode: str
    sequence: int = 1
    again: bool = False
    market_open: bool | None = None
    reversed_at: str | None = None
    deferred_until: str | None = None


@dataclass(frozen=True, slots=True)
class ArtifactPart:
    """What was read."""

    path: str
    recommendation_count: int


@dataclass(frozen=True, slots=True)
class AccountPart:
    """The account after the run. `initial_balance` is None unless the run created the account."""

    id: str | None
    strategy_id: str
    provider_id: str
    cash_balance: str
    equity_value: str
    total_value: str
    initial_balance: str | None


@dataclass(frozen=True, slots=True)
class VerdictPart:
    """What one limit said of a line: "passed", "clamped", "rejected" or "unverified", with its numbers."""

    code: str
    result: str
    before: str
    after: str
    room: str | None


@dataclass(frozen=True, slots=True)
class DecisionPart:
    """How one line ended. A flip has two orders; `order_id` is the last of `order_ids`."""

    line: int
    symbol: str
    action: str
    allocation_percent: str | None
    outcome: str
    codes: list[str]
    reason: str
    order_id: str | None
    order_ids: list[str]
    verdicts: list[VerdictPart]

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "DecisionPart":
        """Return the decision that `asdict` made."""
        return cls(**{**data, "verdicts": [VerdictPart(**verdict) for verdict in data["verdicts"]]})


@dataclass(frozen=True, slots=True)
class OrderPart:
    """One order as planned (in a preview, without ids) or as booked."""

    id: str | None
    line: int
    symbol: str
    action: str
    quantity: str
    limit_price: str
    fill_price: str
    notional: str
    fee: str
    status: str
    client_order_id: str
    position_id: str | None
    position_effect: str


@dataclass(frozen=True, slots=True)
class SummaryPart:
    """The run's counts and sums."""

    orders_created: int
    positions_created: int
    total_invested: str
    remaining_cash: str
    total_equity: str
    total_portfolio_value: str


@dataclass(frozen=True, slots=True)
class WaitingPricePart:
    """A holding that the run valued at its last mark, because its new price waits for a person to accept it.

    `price`, its source and its time are what was refused: farther than the band from `reference`, which `basis`
    names. `difference_percent` is how far it is from the mark.
    """

    symbol: str
    mark_price: str
    price: str
    source: str
    as_of: str
    difference_percent: str
    reference: str
    basis: str
    band_percent: str


@dataclass(frozen=True, slots=True)
class RunReport:
    """The whole report of one run. `notes` are sentences for people about the call, beside its lines."""

    run: RunPart
    artifact: ArtifactPart
    account: AccountPart
    decisions: list[DecisionPart]
    orders: list[OrderPart]
    summary: SummaryPart
    plan_token: str
    notes: list[str] = field(default_factory=list)
    waiting_prices: list[WaitingPricePart] = field(default_factory=list)

    def as_data(self) -> dict[str, Any]:
        """Return the report as JSON-ready values."""
        return asdict(self)

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "RunReport":
        """Return the report that `as_data` made. Raises KeyError or TypeError for anything else."""
        return cls(
            run=RunPart(**data["run"]),
            artifact=ArtifactPart(**data["artifact"]),
            account=AccountPart(**data["account"]),
            decisions=[DecisionPart.from_data(item) for item in data["decisions"]],
            orders=[OrderPart(**item) for item in data["orders"]],
            summary=SummaryPart(**data["summary"]),
            plan_token=data["plan_token"],
            notes=list(data.get("notes", ())),
            # A run from before they were kept has none.
            waiting_prices=[WaitingPricePart(**item) for item in data.get("waiting_prices", [])],
        )

    def as_replay(self, *, reversed_at: str | None = None) -> "RunReport":
        """Return the same report, marked as a replay, and as reversed where it was."""
        return replace(self, run=replace(self.run, replay=True, reversed_at=reversed_at))

    def with_note(self, *sentences: str) -> "RunReport":
        """Return the same report with more notes."""
        return replace(self, notes=[*self.notes, *sentences])
