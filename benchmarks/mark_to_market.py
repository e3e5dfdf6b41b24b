"""Marking accounts to market: time an account with few and with many of them, and beside the bare writes.

Works on a new SQLite file, or on the database that DATABASE_URL names. `python -m benchmarks.mark_to_market 10000`
measures with ten thousand accounts; `make bench` with fewer.
"""

import os
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

HOLDINGS = 20
SYMBOLS = 200


def main() -> None:
    """Print the time of a mark of few and of many accounts, and what part of it the bare writes are."""
    many = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    with tempfile.TemporaryDirectory() as directory:
        os.environ.update(ENV_FILE=os.devnull, DJANGO_SETTINGS_MODULE="folios.settings")
        os.environ.setdefault("DATABASE_URL", f"sqlite:///{directory}/db.sqlite3")
        import django  # noqa: PLC0415  # the settings come from the environment

        django.setup()
        measure(many // 10, many)


def measure(few: int, many: int) -> None:
    """Print the figures for `few` and for `many` accounts of HOLDINGS positions each."""
    from django.core.management import call_command  # noqa: PLC0415  # after the set-up

    call_command("migrate", verbosity=0)
    build(few)
    seconds_few = timed(mark)
    build(many - few)
    seconds_many = timed(mark)
    bare = timed(write_bare)
    growth = (seconds_many / many) / (seconds_few / few)
    print(
        f"{few} accounts: {seconds_few:.2f} s; {many} accounts: {seconds_many:.2f} s, {many * HOLDINGS} positions"
    )
    print(
        f"time an account, many to few: {growth:.2f}; bare writes alone: {bare:.2f} s ({bare / seconds_many:.2f})"
    )


def timed(act: Callable[[], object]) -> float:
    """Return the seconds that `act` takes."""
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


def build(count: int) -> None:
    """Open `count` accounts, each with HOLDINGS positions among SYMBOLS securities."""
    from django.db import transaction  # noqa: PLC0415  # after the set-up

    from portfolios import ledger, reference_data  # noqa: PLC0415  # after the set-up
    from portfolios.domain.accounting import Action, Fill  # noqa: PLC0415  # after the set-up
    from portfolios.ledger import AuditContext, Ticket  # noqa: PLC0415  # after the set-up

    context = AuditContext(actor="benchmark", now=datetime.now(UTC))
    reference_data.ensure_securities([f"S{number}" for number in range(SYMBOLS)], known=())
    with transaction.atomic():
        for number in range(count):
            strategy = reference_data.create_strategy(strategy_id=uuid.uuid4(), name=str(uuid.uuid4()))
            account = ledger.open_account(
                strategy_id=strategy.pk, provider="anthropic", initial_balance=Decimal(100_000), context=context
            )
            tickets = [
                Ticket(
                    fill=Fill(f"S{(number + n) % SYMBOLS}", Action.BUY, Decimal(7), Decimal(100), Decimal(0)),
                    limit_price=Decimal(100),
                    client_order_id=str(uuid.uuid4()),
                    is_simulated=False,
                    metadata={},
                )
                for n in range(HOLDINGS)
            ]
            ledger.book_orders(account, tickets, positions=[], marks={}, context=context)


def mark() -> None:
    """Mark everything to market at another price. Raises AssertionError where an account was left out."""
    from execution.engine.planning.market import Quote  # noqa: PLC0415  # after the set-up
    from execution.prices import PriceChain  # noqa: PLC0415  # after the set-up
    from execution.prices.sources.given import GivenSource  # noqa: PLC0415  # after the set-up
    from execution.services import mark_to_market  # noqa: PLC0415  # after the set-up

    now = datetime.now(UTC) + timedelta(seconds=1)
    quotes = {f"S{n}": Quote(Decimal(101), "given", now) for n in range(SYMBOLS)}
    prices = PriceChain((GivenSource("given", quotes),), now=now)
    report = mark_to_market(prices=prices, accepted=frozenset(), as_of=now, now=now, actor="benchmark")
    assert not report.left_out


def write_bare() -> None:
    """Write what a mark writes, past the product: every open position, every account, a valuation each."""
    from django.db import connection, transaction  # noqa: PLC0415  # after the set-up

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE portfolios_position SET mark_price = 102 WHERE status = 'open'")
        cursor.execute("UPDATE portfolios_portfolioaccount SET equity_value = 14280")
        cursor.execute(
            "INSERT INTO portfolios_valuation "
            "(account_id, as_of, cash, equity, total, external_flow, book_version) "
            "SELECT id, CURRENT_TIMESTAMP, cash_balance, equity_value, cash_balance, 0, book_version "
            "FROM portfolios_portfolioaccount"
        )
        transaction.set_rollback(True)


if __name__ == "__main__":
    main()
