"""How Hypothesis runs here: FOLIOS_EXAMPLES random cases a property, and a blob to repeat what failed."""

import os

from hypothesis import settings

settings.register_profile(
    "folios",
    max_examples=int(os.environ.get("FOLIOS_EXAMPLES", "100")),
    deadline=None,
    print_blob=True,
)
settings.load_profile("folios")
