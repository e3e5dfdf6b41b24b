"""How one artifact is read: what people said of its provider's words and of its lines, kept beside every run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from execution.engine.parsing.artifact import Artifact, parse_artifact, parse_batch
from execution.engine.parsing.mapping_rules import Resolution, Resolutions, Rules, SizeUnit
from execution.engine.vocabulary import RecommendedAction, Refusal


@dataclass(frozen=True, slots=True)
class Interpretation:
    """Everything beside the bytes that an artifact's meaning depends on.

    `rules` are a person's answers for the provider, `resolutions` those for single lines, `confirmed` the lines
    that a person wants as they are written, in spite of what spoke against them. `wanted` are the ids that choose a
    line of a batch's results; empty for every other file.
    """

    rules: Rules = field(default_factory=Rules)
    resolutions: Resolutions = field(default_factory=dict)
    confirmed: frozenset[int] = frozenset()
    wanted: tuple[str, ...] = ()

    def read(self, content: bytes) -> Artifact | Refusal:
        """Return the artifact in `content`, or why the whole of it is refused."""
        if self.wanted:
            return parse_batch(content, wanted=self.wanted, rules=self.rules, resolutions=self.resolutions)
        return parse_artifact(content, rules=self.rules, resolutions=self.resolutions)

    def as_data(self) -> dict[str, Any]:
        """Return the reading as JSON-ready values."""
        return {
            "actions": {word: str(meant) for word, meant in sorted(self.rules.actions.items())},
            "symbols": dict(sorted(self.rules.symbols.items())),
            "size_units": {name: str(unit) for name, unit in sorted(self.rules.size_units.items())},
            "resolutions": {
                str(line): _answer_as_data(self.resolutions[line]) for line in sorted(self.resolutions)
            },
            "confirmed": sorted(self.confirmed),
            "wanted": list(self.wanted),
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "Interpretation":
        """Return the reading that `as_data` described. Raises KeyError or ValueError for anything else."""
        return cls(
            rules=Rules(
                actions={word: RecommendedAction(meant) for word, meant in data["actions"].items()},
                symbols=dict(data["symbols"]),
                size_units={name: SizeUnit(unit) for name, unit in data["size_units"].items()},
            ),
            resolutions={int(line): _answer_from_data(answer) for line, answer in data["resolutions"].items()},
            confirmed=frozenset(data["confirmed"]),
            wanted=tuple(data["wanted"]),
        )


def _answer_as_data(answer: Resolution) -> dict[str, str | None]:
    percent = answer.allocation_percent
    return {
        "action": None if answer.action is None else str(answer.action),
        "symbol": answer.symbol,
        "allocation_percent": None if percent is None else f"{percent:f}",
    }


def _answer_from_data(data: Mapping[str, Any]) -> Resolution:
    action, percent = data["action"], data["allocation_percent"]
    return Resolution(
        action=None if action is None else RecommendedAction(action),
        symbol=data["symbol"],
        allocation_percent=None if percent is None else Decimal(percent),
    )
