"""How often the harnesses try: a few times in every run, many times where FOLIOS_LARGE is set.

FOLIOS_FAST is set by `make test-fast`, which leaves to the other runs what they do over and over.
"""

import os
import random
import secrets

LARGE, FAST = bool(os.environ.get("FOLIOS_LARGE")), bool(os.environ.get("FOLIOS_FAST"))


def count(small: int, large: int) -> int:
    """Return the small count, or the large one where FOLIOS_LARGE is set."""
    return large if LARGE else small


def seeded(name: str) -> random.Random:
    """Return a source of chance and print its seed; FOLIOS_SEED repeats a run."""
    seed = os.environ.get("FOLIOS_SEED") or secrets.token_hex(8)
    print(f"{name}: FOLIOS_SEED={seed}")  # noqa: T201  # pytest shows it where the test fails
    return random.Random(seed)
