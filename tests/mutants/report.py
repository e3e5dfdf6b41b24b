"""What the mutants say of the tests, with the known equivalents left out."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.mutations import Mutant
from tests.mutants.running import Outcome

Key = tuple[str, str, str, str, int]


@dataclass(frozen=True, slots=True)
class Summary:
    """The report as text, and whether nothing in it asks for work."""

    text: str
    is_clean: bool


def load_equivalents(path: Path) -> dict[Key, str]:
    """Return the reasons of the mutants that change nothing anyone can see, by key."""
    return {
        (row["module"], row["function"], row["source"], row["change"], row.get("nth", 1)): row["reason"]
        for row in json.loads(path.read_text(encoding="utf-8"))
    }


def summary(outcomes: Sequence[Outcome], everything: Sequence[Mutant], equivalents: Mapping[Key, str]) -> Summary:
    """Return the survivors, what is stale in the list of equivalents, and the figure.

    `everything` are all mutants of the modules looked at, tried or not: an equivalent of these modules that is not
    among them is stale.
    """
    counted = [outcome for outcome in outcomes if outcome.mutant.key not in equivalents]
    survivors = [outcome.mutant for outcome in counted if not outcome.killed]
    wrong = [outcome.mutant.key for outcome in outcomes if outcome.killed and outcome.mutant.key in equivalents]
    paths, known = {mutant.path for mutant in everything}, {mutant.key for mutant in everything}
    gone = [key for key in equivalents if key[0] in paths and key not in known]
    killed, apart = len(counted) - len(survivors), len(outcomes) - len(counted)
    lines = [
        *(f"survived: {_place(mutant)}\n    {mutant.change}" for mutant in survivors),
        *(f"listed as equivalent, but killed: {_named(key)}" for key in wrong),
        *(f"listed as equivalent, but not there: {_named(key)}" for key in gone),
        f"{killed} of {len(counted)} mutants killed ({apart} equivalent ones apart)",
    ]
    return Summary("\n".join(lines) + "\n", is_clean=not (survivors or wrong or gone))


def _place(mutant: Mutant) -> str:
    return f"{mutant.path}:{mutant.line} in {mutant.function or 'the module'}: {mutant.source}"


def _named(key: Key) -> str:
    path, function, source, change, nth = key
    return f"{path} in {function or 'the module'}: {source}: {change} ({nth})"
