"""How long the parser takes for the worst research that it may be given, and for the published one.

Process time, the best of several turns: the machine's other work is not the parser's. At most 50 ms an input.
"""

import json
import time
from collections.abc import Callable
from typing import Any

from execution.engine.parsing.artifact import parse_artifact
from execution.engine.parsing.json_decoding import MAX_BYTES, MAX_VALUES
from execution.engine.parsing.llm_text import MAX_FENCES

LIMIT_MS = 50
TURNS = 7
HOLD = '{"symbol": "MSFT", "action": "HOLD"}'


def of(*lines: object, **document: object) -> str:
    """Return a document with these recommendations."""
    return json.dumps({"recommendations": lines, **document}, separators=(",", ":"))


def line(**fields: object) -> dict[str, Any]:
    """Return a line that buys, but for `fields`."""
    return {"symbol": "MSFT", "action": "BUY", "allocation_percent": 0.1, **fields}


def filled(unit: str) -> str:
    """Return a document of 1 MiB: a line that holds `unit` as often as there is room."""
    head, tail = of(line(x=["@"])).split('"@"')
    room = MAX_BYTES - len(head) - len(tail)
    return head + (unit * (room // len(unit))).removesuffix(",") + tail


def padded(unit: str) -> str:
    """Return 1 MiB of text."""
    return unit * (MAX_BYTES // len(unit.encode()))


def lines_of(**fields: object) -> str:
    """Return the largest document that is read: 500 lines, almost 1 MiB."""
    return of(*(line(symbol=f"S{number}", **fields) for number in range(500)))


INPUTS: dict[str, Callable[[], str]] = {
    "the published request": lambda: of(line(), json.loads(HOLD)),
    "500 lines with long reasons": lambda: lines_of(rationale="word, " * 320, confidence=0.5),
    "500 lines about shorts": lambda: lines_of(action="SELL", rationale="no short " * 20 + "sell it " * 200),
    "500 lines with many fields": lambda: lines_of(**{f"k{number}": "1.5" for number in range(50)}),
    "500 lines that are unclear": lambda: lines_of(action="MOON", x=[0.5] * 50),
    "as many numbers as are read": lambda: of(line(x=[12345.678901] * (MAX_VALUES - 10))),
    "as many objects as are read": lambda: of(line(x=[{"a": 1}] * (MAX_VALUES // 2 - 10))),
    "as many texts as are read": lambda: of(line(x=["abcdefghijklmnopqrstuvwxyz"] * (MAX_VALUES - 10))),
    "1 MiB of numbers": lambda: filled("1,"),
    "1 MiB of lists": lambda: filled("[],"),
    "1 MiB of objects": lambda: filled('{"a":""},'),
    "1 MiB of empty texts": lambda: filled('"",'),
    "1 MiB of nesting": lambda: padded("["),
    "1 MiB of digits": lambda: padded("9"),
    "1 MiB in a symbol": lambda: of(line(symbol="A" * 1_000_000)),
    "1 MiB of escapes": lambda: of(line(rationale="\x00" * 170_000)),
    "1 MiB of overrides": lambda: of(line(action="BUY", x="\u202e" * 170_000)),
    "1 MiB of thoughts": lambda: padded("<think></think>"),
    "1 MiB of open thoughts": lambda: padded("<think>"),
    "1 MiB of line breaks": lambda: "```\n" + "\n" * 1_000_000 + f"{{}}\n{'```'}",
    "1 MiB of fences": lambda: padded("```\n"),
    "fences and prose": lambda: "```\n" * MAX_FENCES + "word\n" * 200_000,
    "1 MiB of braces": lambda: padded("{\n"),
    "1 MiB of tags": lambda: padded("<ORDERS_JSON>"),
    "1 MiB of verdicts": lambda: padded("Rating:"),
    "1 MiB of prose": lambda: padded("buy low\n"),
    "1 MiB in four strings": lambda: json.dumps(json.dumps(json.dumps(json.dumps(of(line(x="y" * 900_000)))))),
}


def milliseconds(content: bytes) -> float:
    """Return the process time of parsing `content` once, the best of several turns."""
    best = float("inf")
    for _ in range(TURNS):
        start = time.process_time()
        parse_artifact(content)
        best = min(best, time.process_time() - start)
    return best * 1e3


def main() -> None:
    """Print each input's time, the slowest last."""
    figures = []
    for name, made in INPUTS.items():
        content = made().encode()
        assert len(content) <= MAX_BYTES, name
        figures.append((milliseconds(content), len(content), name))
    for took, size, name in sorted(figures):
        print(f"{took:7.2f} ms {size:>9,} bytes  {name}")
    print(f"slowest: {max(figures)[0]:.1f} ms, at most {LIMIT_MS}")


if __name__ == "__main__":
    main()
