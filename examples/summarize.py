"""Prints a JSON report from standard input in a few lines: one for the run, one for each decision."""

import json
import sys
from decimal import Decimal
from typing import Any


def main() -> None:
    """Read one report, print its summary."""
    sys.stdout.write(summary(json.load(sys.stdin)))


def summary(report: dict[str, Any]) -> str:
    """Return the lines of `report`, as `execute_recommendations --format json` prints it."""
    run, account = report["run"], report["account"]
    replay = " (replayed: executed before)" if run["replay"] else ""
    cash, total = Decimal(account["cash_balance"]), Decimal(account["total_value"])
    orders = len(report["orders"])
    lines = [f"{orders} orders from {len(report['decisions'])} recommendations{replay}"]
    lines += [f"  {item['outcome']:<11} {item['symbol']:<5} {item['reason']}" for item in report["decisions"]]
    lines.append(f"  cash ${cash:,.2f}, total value ${total:,.2f}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
