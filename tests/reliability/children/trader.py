"""Trades in two accounts until it is told to stop: `python -m ...children.trader STRATEGY_ID INBOX STOP PROVIDER`.

One account is its own, the other all traders share. It says `ready` when it has traded in both, goes on until there
is a file STOP, and prints how many requests it executed.
"""

import sys
from pathlib import Path

import django

django.setup()

from portfolios.models import Strategy  # noqa: E402  # the models want a Django that is set up
from tests.scenes import Desk, Inbox, line  # noqa: E402

SYMBOLS = ("MSFT", "XOM", "AAPL")
BUYS, SELLS = [line(symbol, "BUY", 1.0) for symbol in SYMBOLS], [line(symbol, "SELL") for symbol in SYMBOLS]


def main(strategy_id: str, inbox: str, stop: str, provider: str) -> None:
    strategy = Strategy.objects.get(pk=strategy_id)
    desks = [Desk(Inbox(Path(inbox)), strategy, name) for name in (provider, "custom")]
    done = 0
    while not Path(stop).exists():
        for desk in desks:
            desk.run(BUYS if done % 4 < 2 else SELLS)
            done += 1
        if done == len(desks):
            print("ready", flush=True)  # noqa: T201  # the harness reads it
    print(done)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
