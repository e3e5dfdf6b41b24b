"""How long every list of the admin takes with 100,000 orders, and how many queries.

`python -m benchmarks.admin_lists` uses SQLite in a temporary file, or the database in DATABASE_URL, which must be
empty: `python -m tests.postgres python -m benchmarks.admin_lists`. ORDERS chooses another size.
"""

import os
import secrets
import statistics
import tempfile
import time
import warnings
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

ORDERS = int(os.environ.get("ORDERS", "100000"))
ACCOUNTS = 200
PER_RUN = 10
TURNS = 5
LIMIT_MS = 500
START = datetime(2025, 1, 2, 15, 0, tzinfo=UTC)


def main() -> None:
    """Fill a database and print the time and the queries of every list, of the index and of the audit page."""
    warnings.filterwarnings("ignore", "No directory at")  # nothing is collected for a benchmark
    with tempfile.TemporaryDirectory() as directory:
        os.environ.setdefault("DATABASE_URL", f"sqlite:///{directory}/db.sqlite3")
        os.environ.update(
            ENV_FILE=os.devnull, DJANGO_SETTINGS_MODULE="folios.settings", SECRET_KEY=secrets.token_urlsafe(),
            ALLOWED_HOSTS="testserver",
        )  # fmt: skip
        import django  # noqa: PLC0415  # the settings come from the environment

        django.setup()
        from django.core.management import call_command  # noqa: PLC0415  # after the set-up

        call_command("migrate", verbosity=0)
        fill()
        measure()


def fill() -> None:
    """Write runs of ten orders each with all that belongs to them, past the engine."""
    from django.db import connection, transaction  # noqa: PLC0415  # after the set-up

    from portfolios.ledger.triggers import install_triggers, remove_triggers  # noqa: PLC0415  # the same
    from portfolios.models import PortfolioAccount, Security, Strategy  # noqa: PLC0415  # the same

    remove_triggers(connection)
    with transaction.atomic():
        strategies = Strategy.objects.bulk_create(Strategy(name=f"Strategy {n}") for n in range(ACCOUNTS // 4))
        Security.objects.bulk_create(Security(symbol=f"S{n}", is_verified=True) for n in range(500))
        accounts = PortfolioAccount.objects.bulk_create(
            PortfolioAccount(strategy=strategy, provider=provider, cash_balance=1_000_000)
            for strategy in strategies
            for provider in ("anthropic", "openai", "gemini", "custom")
        )
    for first in range(0, ORDERS, 5_000):
        with transaction.atomic():
            write_chunk(accounts, first, min(5_000, ORDERS - first))
    install_triggers(connection)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def write_chunk(accounts: Any, first: int, count: int) -> None:
    """Write `count` orders and what belongs to them."""
    from execution.models import ExecutionRun, Recommendation, RecommendationOrder  # noqa: PLC0415  # after the set-up
    from execution.models import ResearchRequest as Request  # noqa: PLC0415  # the same
    from portfolios.models import LedgerEntry, Order, Position, Price, Valuation  # noqa: PLC0415  # the same

    rows = [row(accounts, number) for number in range(first, first + count)]
    heads = rows[::PER_RUN]
    Request.objects.bulk_create(Request(**head["request"]) for head in heads)
    ExecutionRun.objects.bulk_create(ExecutionRun(**head["run"]) for head in heads)
    Valuation.objects.bulk_create(Valuation(**head["valuation"]) for head in heads)
    Order.objects.bulk_create(Order(**each["order"]) for each in rows)
    Position.objects.bulk_create(Position(**each["position"]) for each in rows)
    LedgerEntry.objects.bulk_create(LedgerEntry(**each["entry"]) for each in rows)
    Price.objects.bulk_create(Price(**each["price"]) for each in rows)
    lines = Recommendation.objects.bulk_create(Recommendation(**each["line"]) for each in rows)
    RecommendationOrder.objects.bulk_create(
        RecommendationOrder(recommendation=line, order_id=each["order"]["id"])
        for line, each in zip(lines, rows, strict=True)
    )


def row(accounts: Any, number: int) -> dict[str, dict[str, Any]]:
    """Return the columns of one order and of all that belongs to it."""
    import uuid  # noqa: PLC0415  # for this function alone

    def key(kind: str, at: int) -> uuid.UUID:
        return uuid.uuid5(uuid.NAMESPACE_URL, f"{kind}/{at}")

    run = number // PER_RUN
    account = accounts[run % len(accounts)]
    when = START + timedelta(minutes=5 * run)
    amount, price = Decimal(1_000), Decimal(100)
    symbol, order, position = f"S{number % 500}", key("order", number), key("position", number)
    return {
        "request": {"id": key("request", run), "task_id": key("task", run), "digest": "0" * 64, "content": "{}",
                    "source_path": "benchmark", "recommendation_count": PER_RUN, "received_at": when},
        "run": {"id": key("run", run), "request_id": key("request", run), "strategy_id": account.strategy_id,
                "provider": account.provider, "account": account, "status": "succeeded", "digest": "0" * 64,
                "task_id": key("task", run), "actor": "benchmark", "source": "worker", "started_at": when,
                "finished_at": when, "order_count": PER_RUN, "recommendation_count": PER_RUN,
                "report": {"filler": "x" * 2_000}, "parameters": {"filler": "x" * 2_000}},
        "valuation": {"account": account, "as_of": when, "cash": amount, "equity": amount, "total": 2 * amount,
                      "book_version": number + 1},
        "order": {"id": order, "account": account, "security_id": symbol, "action": "BUY", "quantity": 10,
                  "limit_price": price, "status": "filled", "filled_quantity": 10, "average_fill_price": price,
                  "client_order_id": str(order), "placed_at": when, "filled_at": when,
                  "metadata": {"rationale": "x" * 300}},
        "position": {"id": position, "account": account, "security_id": symbol, "side": "long", "status": "closed",
                     "quantity": 0, "average_price": price, "cost_basis": 0, "mark_price": price,
                     "marked_at": when, "opened_at": when, "closed_at": when},
        "entry": {"account": account, "sequence": run // len(accounts) * PER_RUN + number % PER_RUN + 1,
                  "kind": "BUY", "amount": -amount, "balance_after": amount, "security_id": symbol, "quantity": 10,
                  "price": price, "position_id": position, "order_id": order, "run_id": key("run", run),
                  "actor": "benchmark", "occurred_at": when, "effective_on": when.date()},
        "price": {"security_id": symbol, "price": price, "source": f"s{number % PER_RUN}", "as_of": when},
        "line": {"run_id": key("run", run), "line": number % PER_RUN + 1, "symbol": symbol, "action": "BUY",
                 "allocation_percent": 1, "outcome": "EXECUTED", "reason": "as it was written"},
    }  # fmt: skip


def measure() -> None:
    """Open every page several times and print the median time and the queries."""
    from django.contrib.auth.models import User  # noqa: PLC0415  # after the set-up
    from django.db import connection  # noqa: PLC0415  # the same
    from django.test import Client  # noqa: PLC0415  # the same
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415  # the same
    from django.urls import reverse  # noqa: PLC0415  # the same

    client = Client()
    client.force_login(
        User.objects.create_superuser("benchmark"),
        backend="django.contrib.auth.backends.ModelBackend",
    )
    print(f"{connection.vendor}, {ORDERS:,} orders: median of {TURNS}, at most {LIMIT_MS} ms")
    slowest = 0.0
    for name, address in pages(reverse):
        times = []
        for _ in range(TURNS):
            begun = time.perf_counter()
            response = client.get(address, secure=True)
            times.append((time.perf_counter() - begun) * 1000)
            assert response.status_code == 200, (name, response.status_code)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            client.get(address, secure=True)
        slowest = max(slowest, statistics.median(times))
        print(f"  {name:<34} {statistics.median(times):6.0f} ms {len(queries):3} queries")
    print(f"slowest: {slowest:.0f} ms")


def pages(reverse: Any) -> list[tuple[str, str]]:
    """Return every page that is measured, with its address."""
    from django.apps import apps  # noqa: PLC0415  # after the set-up

    import folios.urls  # noqa: F401, PLC0415  # discovers the admin's modules

    models = [*apps.get_app_config("portfolios").get_models(), *apps.get_app_config("execution").get_models()]
    named = [(model._meta.label_lower, reverse(f"admin:{model._meta.label_lower.replace('.', '_')}_changelist"))
             for model in models if model.__name__ != "RecommendationOrder"]  # fmt: skip
    orders = reverse("admin:portfolios_order_changelist")
    return [
        *named,
        ("orders of a year", f"{orders}?placed_at__year=2025"),
        ("orders, filtered", f"{orders}?status__exact=filled&account__provider__exact=openai"),
        ("orders, none match", f"{orders}?status__exact=rejected"),
        ("index", reverse("admin:index")),
        ("audit", reverse("audit")),
    ]


if __name__ == "__main__":
    main()
