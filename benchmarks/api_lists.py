"""The lists of the API with 50 rows: requests per second as a multiple of a bare list view's on the same table.

The bare view is a ModelViewSet of the REST framework with the same fields: nobody has to say who calls, nothing is
checked, counted, filtered or paged. Both go through the same middleware, in turn, in one run on SQLite.
"""

import os
import statistics
import tempfile
import time
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

ROWS = 50
REQUESTS = 40
TURNS = 7
LEAST = 0.6
STRATEGY = "0d5d9ea5-97f5-4f6e-9c07-8d5f7f0e6c11"
LISTS = ("strategies", "securities", "prices", "positions", "orders", "executions", "accounts/{account}/ledger")


def main() -> None:
    """Print requests per second and the ratio of each list."""
    with tempfile.TemporaryDirectory() as directory:
        os.environ.update(
            ENV_FILE=os.devnull,
            DATABASE_URL=f"sqlite:///{directory}/db.sqlite3",
            DJANGO_SETTINGS_MODULE="folios.settings",
            API_READ_RATE="1000000/min",
            ALLOWED_HOSTS="testserver",
        )
        import django  # noqa: PLC0415  # the settings come from the environment

        django.setup()
        measure()


def measure() -> None:
    """Fill the tables and call both views of each list in turn."""
    from django.core.management import call_command  # noqa: PLC0415  # after the set-up
    from django.test import Client  # noqa: PLC0415  # after the set-up

    from folios.tokens.models import ApiToken  # noqa: PLC0415  # after the set-up

    call_command("migrate", verbosity=0)
    account, user = fill()
    _, token = ApiToken.objects.create(user, name="benchmark")
    caller, nobody = Client(headers={"Authorization": f"Token {token}"}), Client()
    worst = float("inf")
    for name in LISTS:
        address = f"/api/v1/{name.format(account=account)}/"
        bare = f"/bare/{name.rpartition('/')[2]}/"
        pairs = [(rate(caller, address), rate(nobody, bare)) for _ in range(TURNS + 1)][1:]
        ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
        ratio = statistics.median(a / b for a, b in pairs)
        worst = min(worst, ratio)
        print(f"{name:28} {ours:5.0f} requests a second, bare {theirs:5.0f}, ratio {ratio:.2f}")
    print(f"smallest ratio: {worst:.2f}, at least {LEAST}")


def rate(client: Any, address: str) -> float:
    """Return the requests per second of a list of 50 rows."""
    start = time.perf_counter()
    for _ in range(REQUESTS):
        response = client.get(address)
        data = response.json()
        assert response.status_code == 200
        assert len(data["results"] if isinstance(data, dict) else data) == ROWS
    return REQUESTS / (time.perf_counter() - start)


def fill() -> tuple[Any, Any]:
    """Write 50 rows of each table; return the account's key and a user who may read them."""
    from django.contrib.auth.models import User  # noqa: PLC0415  # after the set-up
    from django.test.utils import override_settings  # noqa: PLC0415  # after the set-up

    from portfolios.models import PortfolioAccount, Price, Strategy  # noqa: PLC0415  # after the set-up

    for number in range(ROWS):
        trade(number)
    Strategy.objects.bulk_create(Strategy(name=f"Strategy {n}") for n in range(ROWS - 1))
    now = datetime.now(UTC)
    Price.objects.bulk_create(
        Price(security_id="S0", price=n + 1, source="benchmark", as_of=now - timedelta(days=n)) for n in range(ROWS)
    )
    override_settings(ROOT_URLCONF=with_bare_views()).enable()
    return PortfolioAccount.objects.get().pk, User.objects.create_superuser("benchmark")


def trade(number: int) -> None:
    """Buy one security in a run of its own. Raises AssertionError where it is refused."""
    from execution.engine.vocabulary import Refusal  # noqa: PLC0415  # after the set-up
    from execution.prices import PriceChain  # noqa: PLC0415  # after the set-up
    from execution.prices.sources.constant import ConstantSource  # noqa: PLC0415  # after the set-up
    from execution.reports.types import RunReport  # noqa: PLC0415  # after the set-up
    from execution.research.submission import load_pushed  # noqa: PLC0415  # after the set-up
    from execution.services import ExecutionRequest, execute  # noqa: PLC0415  # after the set-up

    now, request = datetime.now(UTC), uuid.uuid4()
    lines = [{"symbol": f"S{number}", "action": "BUY", "allocation_percent": 1}]
    inline = load_pushed(lines, market_context=None, request_id=request, task_id=None)
    assert not isinstance(inline, Refusal)
    execution_request = ExecutionRequest(
        request_id=str(request),
        strategy_id=STRATEGY,
        provider="anthropic",
        initial_balance=Decimal(100_000),
        prices=PriceChain((ConstantSource(Decimal(7), now),), now=now),
        artifacts_root=Path(os.devnull),
        actor="benchmark",
        source="service",
        now=now,
        create_strategy="Benchmark",
        inline=inline,
    )
    assert isinstance(execute(execution_request), RunReport)


def with_bare_views() -> ModuleType:
    """Return the addresses of the project with those of the bare views."""
    from django.urls import path  # noqa: PLC0415  # after the set-up
    from rest_framework.viewsets import ModelViewSet  # noqa: PLC0415  # after the set-up

    from execution.api.serializers import RunRow  # noqa: PLC0415  # after the set-up
    from folios import urls  # noqa: PLC0415  # after the set-up
    from portfolios.api import serializers as rows  # noqa: PLC0415  # after the set-up

    bare: dict[str, Any] = {
        "strategies": rows.StrategyRow, "securities": rows.SecurityRow, "prices": rows.PriceRow,
        "positions": rows.PositionRow, "orders": rows.OrderRow, "executions": RunRow, "ledger": rows.LedgerRow,
    }  # fmt: skip
    addresses = ModuleType("addresses")
    addresses.urlpatterns = [  # type: ignore[attr-defined]  # what Django looks for
        *urls.urlpatterns,
        *(path(f"bare/{name}/", _bare(ModelViewSet, row).as_view({"get": "list"})) for name, row in bare.items()),
    ]
    return addresses


def _bare(base: Any, row: Any) -> Any:
    """A viewset without anything but the rows."""
    rows = row.Meta.model.objects.all()[:ROWS]
    nothing: dict[str, Any] = {
        name: [] for name in ("authentication_classes", "permission_classes", "throttle_classes", "filter_backends")
    }
    return type("Bare", (base,), {"queryset": rows, "serializer_class": row, "pagination_class": None, **nothing})


if __name__ == "__main__":
    main()
