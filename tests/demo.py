"""A small world for screenshots and browser tests: the examples, and a few months of research and values made by
chance with a fixed seed. Everything goes through the product's own services.
"""

import json
import random
import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import Permission, User

from common.money import quantize_price
from execution.demo.load import load_examples
from execution.engine.planning.market import Quote
from execution.prices import PriceChain
from execution.prices.sources.given import GivenSource
from execution.reports.types import RunReport
from execution.services import ExecutionRequest, execute
from portfolios.domain.exchange_day import exchange_day
from portfolios.ledger import AuditContext, apply_split, mark_accounts, record_dividend, reverse_action
from portfolios.models import PortfolioAccount, Price, RiskPolicy, Security, Strategy
from tests.browser.server import PASSWORD

_STOCKS = {
    "AAPL": 228,
    "BRK.B": 482,
    "CVX": 152,
    "JPM": 243,
    "KO": 70,
    "MSFT": 450,
    "NVDA": 176,
    "PFE": 25,
    "XOM": 112,
}
_BENCHMARK = "SPY"
_REASONS = {
    "BUY": "Earnings grow faster than the price; the balance sheet carries it. <b>Margins</b> held up.",
    "SELL": "The thesis has played out, and the next quarters look ordinary.",
    "HOLD": "Nothing has changed since the last review.",
}


@dataclass
class Market:
    """Prices that walk by chance."""

    chance: random.Random
    prices: dict[str, Decimal]

    def step(self) -> None:
        """Let a day pass."""
        for symbol, price in self.prices.items():
            drift = Decimal(round(self.chance.gauss(0.0006, 0.013), 5))
            self.prices[symbol] = quantize_price(max(price * (1 + drift), Decimal("0.5")))


def people() -> None:
    """Make a manager, who may execute, book and reverse, and a viewer."""
    manager = User.objects.create_user("mia", password=PASSWORD)
    may = ("add_executionrun", "add_corporateaction", "change_corporateaction")
    manager.user_permissions.set(Permission.objects.filter(codename__in=may))
    User.objects.create_user("vera", password=PASSWORD)


def world(*, now: datetime, days: int = 90, seed: int = 7) -> str:
    """Make the whole world up to `now`; return the id of a request that nobody has executed yet."""
    root: Path = settings.ARTIFACTS_ROOT
    load_examples(settings.BASE_DIR / "examples", root=root)
    Security.objects.create(symbol=_BENCHMARK, name="S&P 500 fund", asset_class="fund", is_verified=True)
    chance = random.Random(seed)
    market = Market(chance, {symbol: Decimal(price) for symbol, price in {**_STOCKS, _BENCHMARK: 560}.items()})
    growth, leaders = Strategy.objects.get(name="Quality Growth"), Strategy.objects.get(name="Sector Leaders")
    RiskPolicy.objects.create(strategy=growth, commission_per_order=Decimal(1), slippage_bps=Decimal(4))
    desks = [(growth, name) for name in ("anthropic", "openai", "gemini")] + [
        (leaders, "anthropic"),
        (leaders, "openai"),
    ]
    for day in range(days, -1, -1):
        time = now - timedelta(days=day)
        market.step()
        if time.weekday() == 0:
            for strategy, provider in desks:
                _trade(chance, market, strategy, provider, time)
        if time.weekday() < 5:
            _close(market, time + timedelta(minutes=5))
    return put(
        root,
        [_line(chance, symbol, "BUY", market) for symbol in ("NVDA", "JPM", "KO")]
        + [
            {
                "symbol": "PFE",
                "action": "ACCUMULATE",
                "allocation_percent": 5,
                "rationale": "Cheap for its pipeline.",
            },
            {"symbol": "MSFT", "action": "HOLD", "confidence": 0.6, "rationale": _REASONS["HOLD"]},
        ],
        strategy_id=str(leaders.pk),
        provider="openai",
        market_context="Rates fall slowly; earnings season begins.",
    )


def hard_account(*, now: datetime) -> None:
    """Make an account that is hard to show: a long name, large amounts, more short than long, and halted."""
    name = "Global Infrastructure, Utilities and Renewable Energy Transition Income, currency hedged, accumulating"
    strategy = Strategy.objects.create(name=name)
    RiskPolicy.objects.create(strategy=strategy, allow_short=True, max_short_exposure_percent=100)
    lines: list[dict[str, object]] = [
        {"symbol": "KO", "action": "SELL_SHORT", "allocation_percent": 20},
        {"symbol": "XOM", "action": "SELL_SHORT", "allocation_percent": 18.5, "rationale": "Unbroken" * 40},
        {"symbol": "PFE", "action": "BUY", "allocation_percent": 3},
    ]
    market = Market(random.Random(1), {symbol: Decimal(price) for symbol, price in _STOCKS.items()})
    _execute(market, lines, strategy, "custom", now - timedelta(days=1), balance=Decimal("8765432109.87"))
    PortfolioAccount.objects.filter(strategy=strategy).update(trading_state="HALTED")


def corporate_actions(*, now: datetime) -> int:
    """Book a split, a dividend, and one that was reversed, as of today; return the key of the split."""
    context = AuditContext(actor="mia", now=now, reason="Notice of the company, as the custodian passed it on.")
    day = exchange_day(now)
    wrong = record_dividend(symbol="BRK.B", per_share=Decimal("5.1"), on=day, context=context)
    if wrong.action_id is not None:
        reverse_action(wrong.action_id, context=replace(context, reason="It was 0.51, not 5.10."))
    record_dividend(symbol="BRK.B", per_share=Decimal("0.51"), on=day, context=context)
    done = apply_split(symbol="MSFT", ratio=Fraction(3, 2), on=day, price=Decimal("300.125"), context=context)
    if done.action_id is None:
        raise AssertionError("the split has no key")
    return done.action_id


def put(root: Path, lines: list[dict[str, object]], **document: object) -> str:
    """Write an artifact and return its request's id."""
    request = str(uuid.uuid4())
    directory = root / request / str(uuid.uuid4())
    directory.mkdir(parents=True)
    (directory / "structured.json").write_text(json.dumps({"recommendations": lines, **document}))
    return request


def _line(chance: random.Random, symbol: str, action: str, market: Market) -> dict[str, object]:
    claimed = float(market.prices[symbol]) * chance.uniform(0.985, 1.015)
    return {
        "symbol": symbol, "action": action, "allocation_percent": chance.choice([4, 6, 8, 12, 25]),
        "confidence": round(chance.uniform(0.4, 0.97), 2), "rationale": _REASONS[action],
        "current_price": round(claimed, 2), "target_price": round(claimed * 1.15, 2),
    }  # fmt: skip


def _trade(chance: random.Random, market: Market, strategy: Strategy, provider: str, time: datetime) -> None:
    chosen = chance.sample(sorted(_STOCKS), 4)
    lines = [_line(chance, symbol, chance.choice(["BUY", "BUY", "SELL", "HOLD"]), market) for symbol in chosen]
    _execute(market, lines, strategy, provider, time, balance=Decimal(250_000))


def _execute(
    market: Market,
    lines: list[dict[str, object]],
    strategy: Strategy,
    provider: str,
    time: datetime,
    *,
    balance: Decimal,
) -> None:
    quotes = {symbol: Quote(price, "close", time) for symbol, price in market.prices.items()}
    answer = execute(
        ExecutionRequest(
            request_id=put(settings.ARTIFACTS_ROOT, lines, market_context="Weekly review"),
            strategy_id=str(strategy.pk), provider=provider, initial_balance=balance,
            prices=PriceChain((GivenSource("given", quotes),), now=time), artifacts_root=settings.ARTIFACTS_ROOT,
            actor="mia", source="dashboard", now=time, accepted_prices=frozenset(_STOCKS),
        )
    )  # fmt: skip
    assert isinstance(answer, RunReport), answer


def _close(market: Market, time: datetime) -> None:
    Price.objects.bulk_create(
        Price(security_id=symbol, price=price, source="close", as_of=time)
        for symbol, price in market.prices.items()
        if Security.objects.filter(symbol=symbol).exists()
    )
    accounts = list(PortfolioAccount.objects.values_list("pk", flat=True))
    mark_accounts(accounts, marks=market.prices, as_of=time, now=time)
