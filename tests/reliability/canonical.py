"""A seeded script of operations on the database of the settings: `-m tests.reliability.canonical SEED COUNT`.

It prints one JSON object with two dumps of the same operations on accounts of their own: `books`, and `control`,
where the product is made to forget to round what people type before it is stored.
"""

import json
import random
import re
import sys
import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from unittest.mock import patch

import django

django.setup()

from django.core.management import call_command  # noqa: E402  # after the settings are read
from django.db import Error, transaction  # noqa: E402
from django.db.models import Model  # noqa: E402

from execution.engine.vocabulary import Mode, Refusal  # noqa: E402
from execution.models import ExecutionRun, Recommendation  # noqa: E402
from execution.services import execute  # noqa: E402
from portfolios import ledger  # noqa: E402
from portfolios.domain.accounting import Side  # noqa: E402
from portfolios.ledger import AuditContext, CannotBookError, check_books, corrections, refusals  # noqa: E402
from portfolios.models import (  # noqa: E402
    LedgerEntry,
    Order,
    PortfolioAccount,
    Position,
    RiskPolicy,
    Strategy,
    Valuation,
)
from tests.scenes import NOW, Desk, Inbox, line  # noqa: E402

SYMBOLS = ("AAPL", "GME", "KO", "MSFT", "XOM")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# Written by the clock, or derived from ids that differ from run to run.
LEFT_OUT = {"id", "created_at", "updated_at", "plan_token", "source_path", "path", "client_order_id"}


class Script:
    """One account and the next operation on it, chosen by chance."""

    def __init__(self, chance: random.Random, root: Path, name: str, *, start: datetime) -> None:
        self.chance, self.now, self.outcomes = chance, start, list[str]()
        strategy = Strategy.objects.create(name=name)
        RiskPolicy.objects.create(
            strategy=strategy,
            allow_short=True,
            commission_per_order=Decimal("0.35"),
            commission_bps=Decimal("1.7"),
            slippage_bps=Decimal("3.3"),
        )
        self.desk = Desk(Inbox(root), strategy)
        self.trade()

    def step(self) -> None:
        """Do one operation and note how it ended."""
        hand = [self.deposit, self.withdraw, self.cash, self.dividend, self.split, self.holding]
        self.chance.choice([self.trade] * 6 + hand)()

    def trade(self) -> None:
        """Execute research of a few lines."""
        chosen = self.chance.sample(SYMBOLS, self.chance.randint(1, 4))
        actions = ["BUY", "BUY", "BUY", "SELL", "SELL_SHORT", "BUY_TO_COVER", "HOLD", "PANIC"]
        lines = [
            line(symbol, self.chance.choice(actions), self.chance.choice([1.25, 7.3, 15, 40])) for symbol in chosen
        ]
        prices = {symbol: f"{self.chance.uniform(0.2, 600):.4f}" for symbol in SYMBOLS}
        answer = execute(
            self.desk.execution_request(
                self.desk.inbox.put(lines),
                prices=prices,
                mode=self.chance.choice(list(Mode)),
                close_unlisted=self.chance.random() < 0.1,
                now=self.moment(),
            )
        )
        self.outcomes.append(answer.message if isinstance(answer, Refusal) else "executed")

    def deposit(self) -> None:
        """Bring in an amount that ends in half a cent, as a converted currency does."""
        self.attempt(ledger.deposit, amount=Decimal(self.chance.randint(1, 900_000)) / 100 + Decimal("0.005"))

    def withdraw(self) -> None:
        """Take out more or less than there is."""
        self.attempt(ledger.withdraw, amount=Decimal(self.chance.randint(1, 9_000_000)) / 100)

    def cash(self) -> None:
        """Say what the cash is."""
        self.attempt(ledger.correct_cash, balance=Decimal(self.chance.randint(0, 20_000_000)) / 100)

    def dividend(self) -> None:
        """Pay a dividend on what may be held."""
        symbol, per_share = self.chance.choice(SYMBOLS), Decimal(self.chance.randint(1, 30_000)) / 10_000
        self.act(ledger.record_dividend, symbol=symbol, per_share=per_share)

    def split(self) -> None:
        """Split what may be held."""
        ratio = Fraction(self.chance.choice(["2", "3", "3/2", "1/10", "1/3"]))
        price = Decimal(self.chance.randint(1, 900_000)) / 10_000
        self.act(ledger.apply_split, symbol=self.chance.choice(SYMBOLS), ratio=ratio, price=price)

    def holding(self) -> None:
        """Say what is held."""
        self.attempt(
            ledger.correct_position,
            symbol=self.chance.choice(SYMBOLS),
            side=self.chance.choice(list(Side)),
            quantity=Decimal(self.chance.choice([0, self.chance.randint(1, 10**8)])) / 10**6,
            average_price=Decimal(self.chance.randint(1, 10**9)) / 10**6,
        )

    def attempt(self, change: Callable[..., object], **arguments: Any) -> None:
        """Make a change by hand in a transaction of its own; a refusal is an outcome."""
        context = AuditContext(actor="bob", now=self.moment(), reason="as the statement says")
        try:
            with transaction.atomic():
                (account,) = ledger.lock_accounts([self.desk.account.pk])
                change(account, **arguments, context=context)
        except CannotBookError as error:
            self.outcomes.append(f"{change.__name__}: {error}")
            return
        self.outcomes.append(change.__name__)

    def act(self, book: Callable[..., object], **arguments: Any) -> None:
        """Book a corporate action of the next day; a refusal is an outcome."""
        self.now += timedelta(days=1)
        context = AuditContext(actor="bob", now=self.moment(), reason="notice of the company")
        try:
            book(**arguments, on=context.now.date(), context=context)
        except CannotBookError as error:
            self.outcomes.append(f"{book.__name__}: {error}")
            return
        self.outcomes.append(book.__name__)

    def overdraw(self) -> None:
        """Take out more than there can be: that something is refused is not left to chance."""
        with patch.object(self.chance, "randint", return_value=10**14):
            self.withdraw()

    def moment(self) -> datetime:
        """Return the next minute of the script."""
        self.now += timedelta(minutes=1)
        return self.now


def dump(script: Script) -> str:
    """Return everything that the script left behind as text, the same wherever it ran."""
    account = script.desk.account
    places = {key: f"id-{number}" for number, key in enumerate(_keys_in_order(account))}
    data = {
        "outcomes": script.outcomes,
        "discrepancies": [str(found) for found in check_books(account)],
        "rows": {model.__name__: _rows(model, account) for model in (
            PortfolioAccount, LedgerEntry, Order, Position, Valuation, ExecutionRun, Recommendation)},
    }  # fmt: skip
    text = json.dumps(data, default=str, sort_keys=True, indent=1)
    return UUID.sub(lambda found: places.setdefault(found[0], f"id-{len(places)}"), text)


def _keys_in_order(account: PortfolioAccount) -> list[str]:
    """Return the ids in the order in which they came into the books, each once."""
    entries = LedgerEntry.objects.filter(account=account).order_by("sequence")
    keys = [key for row in entries.values_list("run_id", "position_id", "order_id") for key in row if key]
    return list(dict.fromkeys(map(str, keys)))


def _rows(model: type[Model], account: PortfolioAccount) -> list[dict[str, Any]]:
    path = {"PortfolioAccount": "pk", "Recommendation": "run__account"}.get(model.__name__, "account")
    first = {
        "LedgerEntry": ["sequence"],
        "Position": ["opened_at", "security"],
        "Order": ["placed_at", "security", "action"],
        "Recommendation": ["run__started_at", "line"],
        "ExecutionRun": ["started_at"],
    }.get(model.__name__, ["pk"])
    rows = model._default_manager.filter(**{path: account.pk}).order_by(*first).values()
    return [_without_clocks(row) for row in rows]


def _without_clocks(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_clocks(inner) for name, inner in value.items() if name not in LEFT_OUT}
    if isinstance(value, list):
        return [_without_clocks(inner) for inner in value]
    return value


def run(seed: str, steps: int, root: Path, name: str, *, start: datetime) -> tuple[str, datetime]:
    """Run the script and return its dump, and when it ended."""
    script = Script(random.Random(seed), root, name, start=start)
    for _ in range(steps):
        script.step()
    script.overdraw()
    return dump(script), script.now


def run_without_rounding(seed: str, steps: int, root: Path, *, start: datetime) -> str:
    """Run the script with the planted defect; a database that refuses what comes of it has its say as the dump."""
    with patch.object(refusals, "quantize_cash", Decimal), patch.object(corrections, "quantize_cash", Decimal):
        try:
            return run(seed, steps, root, "Control", start=start)[0]
        except Error as error:
            return f"{type(error).__name__}: {error}"


def main(seed: str, steps: str) -> None:
    """Print both dumps."""
    call_command("migrate", verbosity=0)
    with tempfile.TemporaryDirectory() as root:
        books, end = run(seed, int(steps), Path(root), "Books", start=NOW)
        # Later: what it trades shares the securities, and the splits that have been booked of them.
        control = run_without_rounding(seed, min(int(steps), 60), Path(root), start=end)
    sys.stdout.write(json.dumps({"books": books, "control": control}))


if __name__ == "__main__":
    main(*sys.argv[1:])
