"""What the overview costs: 10,000 accounts, 200,000 positions and a year of daily valuations.

Each request is timed as the server does it, from the first middleware to the rendered page, with a user logged in.
Run it with `make bench-overview`, or `python -m benchmarks.overview [ACCOUNTS]`; DATABASE_URL chooses another
database than a new SQLite file.
"""

import os
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

POSITIONS, DAYS, TURNS = 20, 252, 15
PAGES = {
    "overview": "/",
    "overview, filtered and ordered": "/?q=7&provider=openai&accounts.sort=-return",
    "overview, page 100": "/?accounts.page=100",
}


def main(accounts: int) -> None:
    """Fill a database and print what each page takes."""
    with tempfile.TemporaryDirectory() as directory:
        os.environ.setdefault("DATABASE_URL", f"sqlite:///{directory}/db.sqlite3")
        os.environ.update(
            ENV_FILE=os.devnull, DJANGO_SETTINGS_MODULE="folios.settings", SECRET_KEY="of a benchmark",  # noqa: S106
            ARTIFACTS_ROOT=f"{directory}/artifacts", ALLOWED_HOSTS="testserver",
        )  # fmt: skip
        (Path(directory) / "artifacts").mkdir()
        import django  # noqa: PLC0415  # the settings come from the environment

        django.setup()
        fill(accounts)
        measure(accounts)


def fill(accounts: int) -> None:
    """Write the accounts with positions and valuations past bookkeeping, and work out the summaries."""
    from django.core.management import call_command  # noqa: PLC0415  # after the set-up
    from django.db import connection  # noqa: PLC0415  # after the set-up

    from portfolios.ledger.triggers import remove_triggers  # noqa: PLC0415  # after the set-up
    from portfolios.models import PortfolioAccount, Security, Strategy  # noqa: PLC0415  # after the set-up

    call_command("migrate", verbosity=0)
    remove_triggers(connection)  # the rows below have no ledger: it is no part of what is measured
    Security.objects.bulk_create(Security(symbol=f"S{number}", sector="Energy") for number in range(POSITIONS))
    strategies = Strategy.objects.bulk_create(Strategy(name=f"Strategy {n:05}") for n in range(-(-accounts // 4)))
    providers = ("anthropic", "openai", "gemini", "custom")
    rows = [
        PortfolioAccount(strategy=strategies[n // 4], provider=providers[n % 4], cash_balance=5_000 + n,
                         equity_value=POSITIONS * 1_000, book_version=1)
        for n in range(accounts)
    ]  # fmt: skip
    PortfolioAccount.objects.bulk_create(rows, batch_size=2_000)
    write_positions(rows)
    write_valuations()
    start = time.perf_counter()
    call_command("refresh_summaries", verbosity=0)
    seconds = time.perf_counter() - start
    print(f"refresh_summaries: {seconds:.0f} s, {seconds / accounts * 1000:.1f} ms an account")


def write_positions(accounts: list[Any]) -> None:
    """Write the open positions of each account."""
    from portfolios.models import Position  # noqa: PLC0415  # after the set-up

    now = datetime.now(UTC)
    for start in range(0, len(accounts), 500):
        Position.objects.bulk_create(
            Position(account=account, security_id=f"S{number}", side="long", quantity=10, average_price=90,
                     cost_basis=900, mark_price=100, marked_at=now, opened_at=now)
            for account in accounts[start : start + 500]
            for number in range(POSITIONS)
        )  # fmt: skip


def write_valuations() -> None:
    """Write a valuation of every account for every day: values that drift up and down, in cents."""
    from django.db import connection  # noqa: PLC0415  # after the set-up

    from portfolios.models import Valuation  # noqa: PLC0415  # after the set-up

    table, accounts = Valuation._meta.db_table, "portfolios_portfolioaccount"
    now = datetime.now(UTC)
    with connection.cursor() as cursor:
        for day in range(DAYS):
            swing = Decimal(DAYS - day) * 7 * (-1 if day % 3 else 1)
            cursor.execute(
                f"INSERT INTO {table} (account_id, as_of, cash, equity, total, external_flow, book_version) "  # noqa: S608
                f"SELECT id, %s, cash_balance, equity_value - {swing}, cash_balance + equity_value - {swing}, "
                f"CASE WHEN {day} = 0 THEN cash_balance + equity_value ELSE 0 END, 1 FROM {accounts}",
                [now - timedelta(days=DAYS - 1 - day)],
            )
        # The last one is what the account is worth now.
        cursor.execute(
            f"UPDATE {table} SET equity = {POSITIONS * 1_000}, "  # noqa: S608
            f"total = cash + {POSITIONS * 1_000} WHERE as_of = %s",
            [now],
        )


def measure(accounts: int) -> None:
    """Print the median time and the number of queries of each page."""
    from django.contrib.auth.models import User  # noqa: PLC0415  # after the set-up
    from django.db import connection  # noqa: PLC0415  # after the set-up
    from django.test import Client  # noqa: PLC0415  # after the set-up
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415  # after the set-up

    client = Client()
    client.force_login(User.objects.create_user("vera"), "django.contrib.auth.backends.ModelBackend")
    for name, address in PAGES.items():
        client.get(address)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address).status_code == 200
        asked = queries.captured_queries  # the next request empties the log
        times = []
        for _ in range(TURNS):
            start = time.perf_counter()
            client.get(address)
            times.append(time.perf_counter() - start)
        median, slowest = statistics.median(times) * 1000, max(times) * 1000
        print(f"{name}, {accounts} accounts, {connection.display_name}: ", end="")
        print(f"median {median:.0f} ms, slowest {slowest:.0f} ms, {len(asked)} queries")
        for query in asked if os.environ.get("SHOW_QUERIES") else ():
            print("  ", query["time"], query["sql"][:150])


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
