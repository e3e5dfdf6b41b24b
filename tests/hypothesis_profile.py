"""How Hypothesis runs here: 100 random cases a property, 2,000 where FOLIOS_LARGE is set, or FOLIOS_EXAMPLES.

A failure prints a blob that repeats it.
"""

import os

from hypothesis import settings

from tests.counts import count

settings.register_profile(
    "folios",
    max_examples=int(os.environ.get("FOLIOS_EXAMPLES", count(100, 2_000))),
    deadline=None,
    print_blob=True,
)
settings.load_profile("folios")
