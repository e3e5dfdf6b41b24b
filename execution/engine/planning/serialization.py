"""What a plan was made of, as JSON-ready values and back: so that a run can be planned again later.

Decimals are text. What comes back is equal to what went in, to the digit.
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from execution.engine.parsing.artifact import Artifact
from execution.engine.planning.market import Instrument, Quote, Successor, Unpriced
from execution.engine.planning.plan import PlanInput
from execution.engine.planning.policy import policy_as_data, policy_from_data
from execution.engine.planning.price_checks import HeldBack
from execution.engine.vocabulary import Code, Mode, TradingState
from portfolios.domain.accounting import Holding, Side
from portfolios.domain.snapshot import AccountSnapshot

PLANNER = 2  # one more wherever equal inputs begin to give another plan
_FIRST_PLANNER = 1  # of runs that do not say which one planned them


def planner_of(data: Mapping[str, Any]) -> int:
    """Return the version of the planner that made the plan of this input."""
    return int(data.get("planner", _FIRST_PLANNER))


def plan_input_as_data(given: PlanInput) -> dict[str, Any]:
    """Return everything that a plan depends on but the artifact, which is kept as it was read."""
    return {
        "planner": PLANNER,
        "snapshot": _snapshot_as_data(given.snapshot),
        "quotes": {symbol: quote_as_data(quote) for symbol, quote in sorted(given.quotes.items())},
        "instruments": {symbol: _instrument_as_data(known) for symbol, known in sorted(given.instruments.items())},
        "policy": policy_as_data(given.policy),
        "mode": str(given.mode),
        "close_unlisted": given.close_unlisted,
        "state": str(given.state),
        "age_hours": None if given.age_hours is None else _text(given.age_hours),
        "confirmed": sorted(given.confirmed),
        "held_back": {symbol: _held_back_as_data(price) for symbol, price in sorted(given.held_back.items())},
        "former": {
            symbol: {"symbol": new.symbol, "since": new.since.isoformat()}
            for symbol, new in sorted(given.former.items())
        },
        "unpriced": {symbol: _unpriced_as_data(why) for symbol, why in sorted(given.unpriced.items())},
    }


def plan_input_from_data(data: Mapping[str, Any], artifact: Artifact) -> PlanInput:
    """Return the input that `plan_input_as_data` described. Raises KeyError, ValueError or TypeError otherwise."""
    return PlanInput(
        artifact=artifact,
        snapshot=_snapshot_from_data(data["snapshot"]),
        quotes={symbol: _quote_from_data(quote) for symbol, quote in data["quotes"].items()},
        instruments={symbol: _instrument_from_data(symbol, known) for symbol, known in data["instruments"].items()},
        policy=policy_from_data(data["policy"]),
        mode=Mode(data["mode"]),
        close_unlisted=data["close_unlisted"],
        state=TradingState(data["state"]),
        age_hours=None if data.get("age_hours") is None else Decimal(data["age_hours"]),
        confirmed=frozenset(data.get("confirmed", ())),
        held_back={symbol: _held_back_from_data(price) for symbol, price in data.get("held_back", {}).items()},
        former={
            symbol: Successor(new["symbol"], date.fromisoformat(new["since"]))
            for symbol, new in data.get("former", {}).items()
        },
        unpriced={symbol: _unpriced_from_data(why) for symbol, why in data.get("unpriced", {}).items()},
    )


def _instrument_as_data(known: Instrument) -> dict[str, Any]:
    return {
        "sector": known.sector,
        "step": _text(known.step),
        "minimum": _text(known.minimum),
        "active": known.active,
    }


def _instrument_from_data(symbol: str, data: Mapping[str, Any]) -> Instrument:
    # A run from before securities could be inactive does not say so: they all were.
    active = data.get("active", True)
    return Instrument(symbol, data["sector"], Decimal(data["step"]), Decimal(data["minimum"]), active)


def _held_back_as_data(price: HeldBack) -> dict[str, Any]:
    return {
        "quote": quote_as_data(price.quote),
        "reference": _text(price.reference),
        "basis": price.basis,
        "band_percent": _text(price.band_percent),
    }


def _held_back_from_data(data: Mapping[str, Any]) -> HeldBack:
    return HeldBack(
        quote=_quote_from_data(data["quote"]),
        reference=Decimal(data["reference"]),
        basis=data["basis"],
        band_percent=Decimal(data["band_percent"]),
    )


def _unpriced_as_data(why: Unpriced) -> dict[str, str]:
    return {"code": str(why.code), "reason": why.reason}


def _unpriced_from_data(data: Mapping[str, str] | str) -> Unpriced:
    # A run from before there were codes kept the words alone: there was no price.
    if isinstance(data, str):
        return Unpriced(Code.NO_PRICE, data)
    return Unpriced(Code(data["code"]), data["reason"])


def quote_as_data(quote: Quote) -> dict[str, Any]:
    """Return a quote with its source and time."""
    return {
        "price": _text(quote.price),
        "source": quote.source,
        "as_of": quote.as_of.isoformat(),
        "simulated": quote.simulated,
        **({"reduce_only": True} if quote.reduce_only else {}),
    }


def _quote_from_data(data: Mapping[str, Any]) -> Quote:
    return Quote(
        price=Decimal(data["price"]),
        source=data["source"],
        as_of=datetime.fromisoformat(data["as_of"]),
        simulated=data["simulated"],
        reduce_only=data.get("reduce_only", False),
    )


def _snapshot_as_data(snapshot: AccountSnapshot) -> dict[str, Any]:
    data: dict[str, Any] = {
        "cash_balance": _text(snapshot.cash_balance),
        "book_version": snapshot.book_version,
        "holdings": [_holding_as_data(snapshot.holdings[symbol]) for symbol in sorted(snapshot.holdings)],
    }
    return {**data, "payable": _text(snapshot.payable)} if snapshot.payable else data


def _snapshot_from_data(data: Mapping[str, Any]) -> AccountSnapshot:
    holdings = [_holding_from_data(item) for item in data["holdings"]]
    return AccountSnapshot(
        cash_balance=Decimal(data["cash_balance"]),
        holdings={held.symbol: held for held in holdings},
        book_version=data["book_version"],
        payable=Decimal(data.get("payable", 0)),
    )


_HOLDING_NUMBERS = ("quantity", "average_price", "cost_basis", "realized_pnl", "mark_price")


def _holding_as_data(held: Holding) -> dict[str, str]:
    numbers = {name: _text(getattr(held, name)) for name in _HOLDING_NUMBERS}
    return {"symbol": held.symbol, "side": held.side.value, **numbers}


def _holding_from_data(data: Mapping[str, str]) -> Holding:
    numbers = {name: Decimal(data[name]) for name in _HOLDING_NUMBERS}
    return Holding(symbol=data["symbol"], side=Side(data["side"]), **numbers)


def _text(value: Decimal) -> str:
    return f"{value:f}"
