"""Checks the books of every account of a database: `python -m tests.reliability.children.auditor`.

For databases that are not the one of the test's own process. Prints which requests ran and what is wrong.
"""

import json
from collections import Counter

import django

django.setup()

from execution.models import ExecutionRun  # noqa: E402  # the models want a Django that is set up
from portfolios.models import PortfolioAccount, Strategy  # noqa: E402
from tests.reliability.crowds import Expected, complaints_about_books  # noqa: E402


def main() -> None:
    wrong = [
        complaint
        for strategy in Strategy.objects.filter(accounts__in=PortfolioAccount.objects.all()).distinct()
        for complaint in complaints_about_books(strategy, _expected(strategy))
    ]
    said = {"runs": _requests(failed=False), "failures": _requests(failed=True), "wrong": wrong}
    print(json.dumps(said))  # noqa: T201  # the harness reads it


def _requests(*, failed: bool) -> Counter[str]:
    """Return how many runs each request has that failed, or that did not."""
    runs = ExecutionRun.objects.all()
    counted = runs.filter(status="failed") if failed else runs.exclude(status="failed")
    return Counter(str(request) for request in counted.values_list("request_id", flat=True))


def _expected(strategy: Strategy) -> Expected:
    """Every run of the load buys once into one position and holds once; a failure may be remembered."""
    runs = strategy.runs.exclude(status="failed").count()
    failed = strategy.runs.filter(status="failed").count()
    return Expected(runs, orders=runs, entries=runs + 1, positions=1, recommendations=2 * runs, failed=failed)


if __name__ == "__main__":
    main()
