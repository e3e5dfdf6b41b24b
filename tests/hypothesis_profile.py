"""How Hypothesis runs here: 100 random cases a property, or FOLIOS_EXAMPLES.

2,000 where FOLIOS_LARGE is set, 10 where FOLIOS_FAST is.

A failure prints a blob that repeats it.
"""

import os

from hypothesis import settings

from tests.counts import FAST, count

settings.register_profile(
    "folios",
    max_examples=int(os.environ.get("FOLIOS_EXAMPLES", 10 if FAST else count(100, 2_000))),
    deadline=None,
    print_blob=True,
)
settings.load_profile("folios")
