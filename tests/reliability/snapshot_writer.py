"""A process that trades without end: `python -m tests.reliability.snapshot_writer STRATEGY_ID SEED`.

It says `ready` after its first execution and goes on until a file named `stop` is where research arrives.
"""

import random
import sys
from pathlib import Path

import django

django.setup()

from django.conf import settings  # noqa: E402  # after the settings are read

from portfolios.models import Strategy  # noqa: E402
from tests.scenes import Desk, Inbox, line  # noqa: E402

STOP = "stop"
SYMBOLS = ("AAPL", "GME", "KO", "MSFT")


def main(strategy_id: str, seed: str) -> None:
    """Buy and sell at changing prices."""
    chance = random.Random(seed)
    root = Path(settings.ARTIFACTS_ROOT)
    desk = Desk(Inbox(root), Strategy.objects.get(pk=strategy_id))
    trade(desk, chance)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while not (root / STOP).exists():
        trade(desk, chance)


def trade(desk: Desk, chance: random.Random) -> None:
    """Execute one request of a few lines."""
    chosen = chance.sample(SYMBOLS, 3)
    lines = [line(symbol, chance.choice(["BUY", "BUY", "SELL"]), 7.5) for symbol in chosen]
    desk.run(lines, prices={symbol: str(chance.randint(50, 150)) for symbol in SYMBOLS})


if __name__ == "__main__":
    main(*sys.argv[1:])
