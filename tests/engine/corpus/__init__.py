"""Research as it really arrives: named inputs, and what becomes of each.

A case is refused as a whole ("REFUSED" and a code), or each of its lines ends as "BUY MSFT 10" (action, symbol, size
in percent, if it has one) or "QUARANTINED" and a code.
"""

from tests.engine.corpus.cases import Case, outcome
from tests.engine.corpus.containers import CASES as CONTAINERS
from tests.engine.corpus.envelopes import CASES as ENVELOPES
from tests.engine.corpus.fields import CASES as FIELDS
from tests.engine.corpus.safety import CASES as SAFETY

CORPUS: tuple[Case, ...] = (*CONTAINERS, *ENVELOPES, *FIELDS, *SAFETY)

__all__ = ["CORPUS", "Case", "outcome"]
