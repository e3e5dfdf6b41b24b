"""How much a limit still allows: the groups in which increases are counted, and what is left for each group.

Everything is measured on the account as a run's exits leave it, at the run's marks. No function here knows which
limit asks: the value of the limit is an argument.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Protocol

from common.money import ZERO
from portfolios.domain.accounting import Action
from portfolios.domain.snapshot import AccountSnapshot

DOES_NOT_APPLY = ""  # the group of an increase that a limit has nothing to say of
LONGS, SHORTS, ACCOUNT = "longs", "shorts", "account"


class Increase(Protocol):
    """A purchase or a short that would open or increase a position. An unknown sector is empty."""

    @property
    def line(self) -> int:
        """Line of the research."""

    @property
    def symbol(self) -> str:
        """What is bought or shorted."""

    @property
    def sector(self) -> str:
        """Its sector."""

    @property
    def action(self) -> Action:
        """BUY or SELL_SHORT."""


class AccountInRun(Protocol):
    """The account that limits are measured against. `total_value` was frozen before the first trade of the run,
    `sectors` names the sector of each held symbol, `exit_count` says how many orders the exits take, `owed` what
    cash they still wait for.
    """

    @property
    def after_exits(self) -> AccountSnapshot:
        """The account as the exits leave it."""

    @property
    def sectors(self) -> Mapping[str, str]:
        """Sector by held symbol."""

    @property
    def exit_count(self) -> int:
        """Orders that the exits make."""

    @property
    def owed(self) -> Decimal:
        """Cash that exits still wait for."""

    @property
    def short_margin(self) -> Decimal:
        """Margin on shorts as a fraction of their value."""

    def percent_of_total(self, percent: Decimal) -> Decimal:
        """Return `percent` of the total value in cash, never below zero."""


# The group of an increase; None where the rule cannot tell.
Group = Callable[[Increase], str | None]
# What the value of a limit still allows a group, in the unit of the limit; below zero where it is broken already.
Headroom = Callable[[Any, str, AccountInRun], Decimal]


def each_order(increase: Increase) -> str:
    """Every order by itself."""
    return f"{increase.line}/{increase.symbol}"


def each_symbol(increase: Increase) -> str:
    """What grows the same position."""
    return increase.symbol


def each_short(increase: Increase) -> str:
    """What grows the same short position."""
    return increase.symbol if increase.action is Action.SELL_SHORT else DOES_NOT_APPLY


def all_shorts(increase: Increase) -> str:
    """All shorts together."""
    return SHORTS if increase.action is Action.SELL_SHORT else DOES_NOT_APPLY


def each_sector(increase: Increase) -> str | None:
    """What is of the same sector; unknown sectors are not one sector."""
    return increase.sector or None


def each_direction(increase: Increase) -> str:
    """Purchases together, and shorts together."""
    return SHORTS if increase.action is Action.SELL_SHORT else LONGS


def everything(increase: Increase) -> str:
    """The whole basket."""
    return ACCOUNT


def order_headroom(value: Decimal, group: str, account: AccountInRun) -> Decimal:
    """Cash that one order may be worth."""
    return value


def position_headroom(percent: Decimal, symbol: str, account: AccountInRun) -> Decimal:
    """What a position may grow by."""
    held = account.after_exits.holdings.get(symbol)
    return account.percent_of_total(percent) - (abs(held.market_value) if held else ZERO)


def short_headroom(percent: Decimal, group: str, account: AccountInRun) -> Decimal:
    """What all shorts together may grow by."""
    return account.percent_of_total(percent) - account.after_exits.short_value


def sector_headroom(percent: Decimal, sector: str, account: AccountInRun) -> Decimal:
    """What the positions of one sector may grow by, shorts counted as positive."""
    held = sum(
        (
            abs(holding.market_value)
            for symbol, holding in account.after_exits.holdings.items()
            if account.sectors.get(symbol) == sector
        ),
        ZERO,
    )
    return account.percent_of_total(percent) - held


def gross_headroom(percent: Decimal, group: str, account: AccountInRun) -> Decimal:
    """What all positions may grow by, shorts counted as positive."""
    return account.percent_of_total(percent) - account.after_exits.gross_exposure


def net_headroom(percent: Decimal, direction: str, account: AccountInRun) -> Decimal:
    """What one direction may grow by until the net exposure, longs less shorts, reaches the limit on its side."""
    net = account.after_exits.net_exposure
    return account.percent_of_total(percent) - (net if direction == LONGS else -net)


def cash_headroom(reserve_percent: Decimal, group: str, account: AccountInRun) -> Decimal:
    """Cash that may be spent: what no short keeps aside and no exit waits for, less the reserve."""
    available = account.after_exits.available_cash(short_margin=account.short_margin)
    return available - account.owed - account.percent_of_total(reserve_percent)


def count_headroom(most: int, group: str, account: AccountInRun) -> Decimal:
    """Orders that a run may still make."""
    return Decimal(most - account.exit_count)
