"""By how much a run just before may have moved an account: what a plan with targets must not trade on."""

from decimal import Decimal

from execution.engine.planning.market import Quote, noise_of
from execution.engine.planning.policy import Costs
from portfolios.domain.snapshot import AccountSnapshot
from tests.builders import AS_OF, Number, account

BOOKS = account(cash=1500, long={"JPM": (10, 100)}, short={"GS": (5, 100)})  # 3,000 in all, 15 units


def noise(on: AccountSnapshot = BOOKS, *, symbols: int = 1, **costs: Number) -> Decimal:
    quotes = {f"S{number}": Quote(Decimal(100), "test", AS_OF) for number in range(symbols)}
    return noise_of(on, quotes, Costs(**{name: Decimal(value) for name, value in costs.items()}))


def test_without_costs_it_is_a_cent_for_each_of_two_fills_of_a_symbol():
    assert noise() == Decimal("0.02")
    assert noise(symbols=3) == Decimal("0.06")
    assert noise(symbols=0) == 0


def test_the_larger_of_the_fixed_fees_is_paid_by_each_of_two_fills_of_a_symbol():
    assert noise(symbols=2, commission_per_order=3, commission_minimum=5) == Decimal("20.04")
    assert noise(symbols=2, commission_per_order=7, commission_minimum=5) == Decimal("28.04")


def test_commission_and_slippage_are_paid_on_two_turnovers_of_cash_and_both_sides():
    assert noise(commission_bps=10) == Decimal("6.02")
    assert noise(commission_bps=10, slippage_bps=20) == Decimal("18.02")


def test_a_fee_per_share_is_paid_twice_on_every_unit_held():
    assert noise(commission_per_share="0.10") == Decimal("3.02")
