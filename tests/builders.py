"""Short words for the pure tests: recommendations, documents, accounts and plans, and plans told as text."""

import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from common.money import notional
from execution.engine.parsing.artifact import Artifact, Claims, Problem, Recommendation, parse_artifact
from execution.engine.planning.decisions import Decision
from execution.engine.planning.market import Instrument, Quote
from execution.engine.planning.plan import Plan, PlanInput, make_plan
from execution.engine.planning.policy import Policy
from execution.engine.planning.price_checks import LAST_CLOSE, HeldBack
from execution.engine.vocabulary import Code, Mode, RecommendedAction, Refusal, TradingState
from portfolios.domain.accounting import Action, Fill, Holding, Side
from portfolios.domain.snapshot import AccountSnapshot

Number = int | str | Decimal

AS_OF = datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
PRICE_ELSEWHERE = Decimal(100)


def rec(
    symbol: str, action: str, percent: Number | None = None, *, current_price: Decimal | None = None
) -> Recommendation:
    """Return an understood line; `artifact_of` numbers it."""
    return Recommendation(
        line=0,
        symbol=symbol,
        action=RecommendedAction(action),
        allocation_percent=None if percent is None else Decimal(percent),
        confidence=None,
        confidence_raw="",
        rationale="",
        current_price=current_price,
        target_price=None,
        raw=None,
    )


def unreadable(symbol: str = "") -> Problem:
    """Return a line that cannot be trusted, which names `symbol` or nothing."""
    return Problem(
        line=0, code=Code.ACTION_UNKNOWN, message="field 'action' is unknown", symbol=symbol, action="", raw=None
    )


def artifact_of(*lines: Recommendation | Problem) -> Artifact:
    """Return the artifact whose lines are these, in this order."""
    numbered = [replace(item, line=number) for number, item in enumerate(lines, start=1)]
    return Artifact(
        digest="0" * 64,
        recommendations=tuple(item for item in numbered if isinstance(item, Recommendation)),
        problems=tuple(item for item in numbered if isinstance(item, Problem)),
        market_context="",
        claims=Claims(),
    )


def document(*lines: object, **fields: object) -> bytes:
    """Return the JSON document that research writes with these recommendations."""
    return json.dumps({"recommendations": lines, **fields}).encode()


def parsed(*lines: object, **fields: object) -> Artifact:
    """Return the artifact that `document` makes."""
    artifact = parse_artifact(document(*lines, **fields))
    assert isinstance(artifact, Artifact), artifact
    return artifact


def holding(side: Side, symbol: str, quantity: Number, price: Number, mark: Number | None = None) -> Holding:
    """Return a holding bought (or shorted) in one fill at `price`, marked there or at `mark`."""
    return Holding(
        symbol=symbol,
        side=side,
        quantity=Decimal(quantity),
        average_price=Decimal(price),
        cost_basis=notional(quantity=Decimal(quantity), price=Decimal(price)),
        mark_price=Decimal(price if mark is None else mark),
    )


def account(
    cash: Number = 100_000,
    long: Mapping[str, tuple[Number, Number]] | None = None,
    short: Mapping[str, tuple[Number, Number]] | None = None,
) -> AccountSnapshot:
    """Return an account with cash and holdings {symbol: (quantity, price)}. The cash holds the shorts' proceeds."""
    holdings = {symbol: holding(Side.LONG, symbol, *held) for symbol, held in (long or {}).items()}
    holdings |= {symbol: holding(Side.SHORT, symbol, *held) for symbol, held in (short or {}).items()}
    return AccountSnapshot(Decimal(cash), holdings)


def marked(snapshot: AccountSnapshot, prices: Mapping[str, Number]) -> AccountSnapshot:
    """Return the account at other prices; what has none keeps its mark."""
    return replace(
        snapshot,
        holdings={
            symbol: replace(held, mark_price=Decimal(prices.get(symbol, held.mark_price)))
            for symbol, held in snapshot.holdings.items()
        },
    )


def roomy(**changes: Any) -> Policy:
    """Return a policy whose limits other than the cash stand aside; the rest as `changes` say."""
    wide: dict[str, Any] = {
        "max_position_percent": Decimal(100),
        "max_sector_percent": Decimal(100),
        "max_gross_exposure_percent": Decimal(1000),
        "max_short_exposure_percent": Decimal(1000),
        "max_single_short_percent": Decimal(1000),
    }
    return Policy(**(wide | changes))


def given(
    *lines: Recommendation | Problem,
    on: AccountSnapshot | None = None,
    prices: Mapping[str, Number] | None = None,
    unpriced: Collection[str] = (),
    last_marks: Collection[str] = (),
    inactive: Collection[str] = (),
    held_back: Collection[str] = (),
    sectors: Mapping[str, str] | None = None,
    steps: Mapping[str, Number] | None = None,
    policy: Policy | None = None,
    mode: str = "allocate",
    close_unlisted: bool = False,
    state: str = "ACTIVE",
) -> PlanInput:
    """Return what a plan depends on. A symbol without a price costs its mark, or 100 where it is not held."""
    snapshot = marked(on or account(), prices or {})
    symbols = {item.symbol for item in lines} | set(snapshot.holdings)
    known = {symbol: held.mark_price for symbol, held in snapshot.holdings.items()} | dict(prices or {})
    quotes = {
        symbol: Quote(Decimal(known.get(symbol, PRICE_ELSEWHERE)), "test", AS_OF, reduce_only=symbol in last_marks)
        for symbol in symbols - set(unpriced) - set(held_back)
    }
    instruments = {
        symbol: Instrument(
            symbol,
            sector=(sectors or {}).get(symbol, ""),
            step=Decimal((steps or {}).get(symbol, "0.01")),
            active=symbol not in inactive,
        )
        for symbol in symbols
    }
    return PlanInput(
        artifact=artifact_of(*lines),
        snapshot=snapshot,
        quotes=quotes,
        instruments=instruments,
        policy=policy or roomy(),
        mode=Mode(mode),
        close_unlisted=close_unlisted,
        state=TradingState(state),
        held_back={symbol: doubtful() for symbol in held_back},
    )


def doubtful(price: Number = 130, *, reference: Number = 100) -> HeldBack:
    """Return a price that is too far from its last close."""
    return HeldBack(Quote(Decimal(price), "test", AS_OF), Decimal(reference), LAST_CLOSE, Decimal(25))


def planned(situation: PlanInput) -> Plan:
    """Return the plan, which must not be a refusal."""
    plan = make_plan(situation)
    assert not isinstance(plan, Refusal), plan
    return plan


def plan_of(*lines: Recommendation | Problem, **situation: Any) -> Plan:
    """Return the plan for `given(...)`."""
    return planned(given(*lines, **situation))


def orders(plan: Plan) -> list[str]:
    """Return the orders as text, in the order of their execution: `BUY 22.22 MSFT @ 450`."""
    return [
        f"{intent.action} {_short(intent.quantity)} {intent.symbol} @ {_short(intent.fill.price)}"
        for intent in plan.intents
    ]


def endings(plan: Plan) -> list[str]:
    """Return how each line ended, with its codes: `CLAMPED POSITION_LIMIT`."""
    return [ending(decision) for decision in plan.decisions]


def ending(decision: Decision) -> str:
    """Return how one line ended."""
    return " ".join((decision.outcome, *decision.codes))


def held(plan: Plan) -> dict[str, Decimal]:
    """Return the signed quantities after the plan."""
    return {symbol: item.signed_quantity for symbol, item in plan.after.holdings.items()}


def fill(text: str, *, fee: Number = 0) -> Fill:
    """Return the fill that a line as `BUY 10 @ 540` describes, of the symbol MSFT."""
    action, quantity, _, price = text.split()
    return Fill("MSFT", Action(action), Decimal(quantity), Decimal(price), Decimal(fee))


def _short(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
