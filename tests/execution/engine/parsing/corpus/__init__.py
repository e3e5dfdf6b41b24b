"""Research as it really arrives: named inputs, and what becomes of each.

A case is refused as a whole ("REFUSED" and a code), or each of its lines ends as "BUY MSFT 10" (action, symbol, size
in percent, if it has one) or "QUARANTINED" and a code.
"""

from tests.execution.engine.parsing.corpus.cases import Case, outcome
from tests.execution.engine.parsing.corpus.containers import CASES as CONTAINERS
from tests.execution.engine.parsing.corpus.envelopes import CASES as ENVELOPES
from tests.execution.engine.parsing.corpus.fields import CASES as FIELDS
from tests.execution.engine.parsing.corpus.safety import CASES as SAFETY

CORPUS: tuple[Case, ...] = (*CONTAINERS, *ENVELOPES, *FIELDS, *SAFETY)

__all__ = ["CORPUS", "Case", "outcome"]
