"""Who changes the books, when and why: what every entry says of itself."""

import uuid
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditContext:
    """Who changes the books, when, for which run and why; goes onto every entry."""

    actor: str
    now: datetime
    run_id: uuid.UUID | None = None
    reason: str = ""
