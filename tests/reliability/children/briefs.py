"""What a harness tells the processes that it starts, and what they answer. Knows no Django."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Call:
    """One execution through one door. `prices` by symbol, those of `accept` confirmed; `create_strategy` as the
    option of that name.
    """

    door: str
    request_id: str
    strategy_id: str
    prices: Mapping[str, str]
    initial_balance: str = "100000"
    create_strategy: str | None = None
    accept: Sequence[str] = ()
    again: bool = False


@dataclass(frozen=True)
class Answer:
    """What became of a call: "executed", "replay", "refused" or "error", with the words for the last two.

    `outcomes` are the outcome and the codes of each line, as "DENIED INSUFFICIENT_CASH".
    """

    door: str
    request_id: str
    kind: str
    words: str = ""
    outcomes: Sequence[str] = ()


@dataclass(frozen=True)
class Brief:
    """The work of one process. `directory` is where the processes of one harness meet, `callers` how many they are.

    `limits` replaces some of settings.RISK_LIMITS; `defects` are planted before the first call.
    """

    directory: str
    name: str
    callers: int
    calls: Sequence[Call] = ()
    defects: Sequence[str] = ()
    limits: Mapping[str, str] = field(default_factory=dict)

    def write(self) -> Path:
        """Write the brief where its process finds it."""
        path = Path(self.directory) / f"{self.name}.json"
        path.write_text(json.dumps(asdict(self)))
        return path

    @classmethod
    def read(cls, path: str) -> "Brief":
        """Return what `write` wrote."""
        data: dict[str, Any] = json.loads(Path(path).read_text())
        return cls(**{**data, "calls": [Call(**call) for call in data["calls"]]})


def meet(directory: Path, *, name: str, expected: int, seconds: float = 30) -> None:
    """Wait until `expected` processes are here. Raises TimeoutError."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / name).touch()
    deadline = time.monotonic() + seconds
    while len(list(directory.iterdir())) < expected:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{directory}: {expected} processes expected, {len(list(directory.iterdir()))} came")
        time.sleep(0.002)
