"""`python -m tests.mutants [PATH ...] [--count N] [--seed S]`: which changes of the code does no test notice?

Without a path: the engine, the domain, the ledger and the rounding. With --count, a sample of that size, the same
for the same seed. Known equivalents stand in equivalent.json.
"""

import argparse
import random
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.mutants.mutations import Mutant, mutants_of
from tests.mutants.report import load_equivalents, summary
from tests.mutants.running import try_all

PATHS = ("common/money.py", "execution/engine", "portfolios/domain", "portfolios/ledger")
EQUIVALENT = Path(__file__).parent / "equivalent.json"


def modules(paths: Sequence[str]) -> list[str]:
    """Return the modules at or below `paths`, sorted."""
    found = {path for start in map(Path, paths) for path in ([start] if start.is_file() else start.rglob("*.py"))}
    return sorted(path.as_posix() for path in found)


def enumerated(paths: Sequence[str]) -> list[Mutant]:
    """Return every mutant of the modules at or below `paths`."""
    return [
        mutant for path in modules(paths) for mutant in mutants_of(path, Path(path).read_text(encoding="utf-8"))
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the mutants and print those that survive; return 1 where some do, or an equivalent is none (any more)."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("paths", nargs="*", default=PATHS)
    parser.add_argument("--count", type=int)
    parser.add_argument("--seed", default="folios")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args(arguments)
    everything = enumerated(options.paths)
    chosen = everything
    if options.count is not None and options.count < len(everything):
        chosen = random.Random(options.seed).sample(everything, options.count)
    outcomes = try_all(chosen, root=Path.cwd(), jobs=options.jobs)
    found = summary(outcomes, everything, load_equivalents(EQUIVALENT))
    sys.stdout.write(found.text)
    return 0 if found.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
