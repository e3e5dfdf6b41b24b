"""Reads how the research of each provider turned out, and what the providers say of the same symbol."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from execution.engine.vocabulary import Outcome
from execution.models import ExecutionRun, Recommendation, ResearchRequest
from portfolios.models import Position

# Confidence in these steps: from, below. The last one holds 1 too.
_BUCKETS = ((Decimal(0), Decimal("0.5")), (Decimal("0.5"), Decimal("0.7")), (Decimal("0.7"), Decimal("0.85")),
            (Decimal("0.85"), Decimal("1.01")))  # fmt: skip


_REFUSED = (Outcome.DENIED, Outcome.QUARANTINED)


@dataclass(slots=True)
class ConfidenceBucket:
    """Recommendations of one range of confidence: how many of the positions they opened are closed, and hits."""

    label: str
    closed: int = 0
    hits: int = 0

    @property
    def hit_rate(self) -> Decimal | None:
        """Hits by closed positions, None without any."""
        return Decimal(self.hits) / self.closed if self.closed else None


@dataclass(slots=True)
class ProviderStats:
    """How the lines of one account ended: lines in all, refused ones, and the calibration of their confidence."""

    lines: int = 0
    refused: int = 0
    buckets: list[ConfidenceBucket] = field(
        default_factory=lambda: [ConfidenceBucket(_label(*limits)) for limits in _BUCKETS]
    )

    @property
    def refused_share(self) -> Decimal | None:
        """Denied and quarantined lines by all lines, None without any."""
        return Decimal(self.refused) / self.lines if self.lines else None


def _label(low: Decimal, high: Decimal) -> str:
    top = min(high, Decimal(1))
    return f"{low * 100:.0f}\N{EN DASH}{top * 100:.0f} %"


def provider_stats(accounts: Iterable[uuid.UUID]) -> dict[uuid.UUID, ProviderStats]:
    """Return how the lines of these accounts ended. One query, of every line once for each position it touched.

    A position counts for each line that opened it or added to it, in the bucket of that line's confidence; lines
    without a confidence count in none.
    """
    rows = Recommendation.objects.filter(run__account_id__in=list(accounts)).values_list(
        "pk",
        "run__account_id",
        "outcome",
        "confidence",
        "orders__action",
        "orders__ledger__position_id",
        "orders__ledger__position__status",
        "orders__ledger__position__realized_pnl",
    )
    found: dict[uuid.UUID, ProviderStats] = {}
    seen: set[object] = set()
    for key, account, outcome, confidence, action, position, status, profit in rows.order_by():
        one = found.setdefault(account, ProviderStats())
        if key not in seen:
            seen.add(key)
            one.lines += 1
            one.refused += outcome in _REFUSED
        is_entry = action in ("BUY", "SELL_SHORT") and status == Position.Status.CLOSED
        if is_entry and confidence is not None and (key, position) not in seen:
            seen.add((key, position))
            bucket = one.buckets[_bucket_of(confidence)]
            bucket.closed += 1
            bucket.hits += profit > 0
    return found


def _bucket_of(confidence: Decimal) -> int:
    return next(at for at, (low, high) in enumerate(_BUCKETS) if low <= confidence < high)


@dataclass(frozen=True, slots=True)
class ProviderView:
    """What each provider said last of one symbol: action and size by provider."""

    symbol: str
    said: Mapping[str, Recommendation]

    @property
    def agrees(self) -> bool | None:
        """Whether all say the same; None where only one has said anything."""
        return None if len(self.said) < 2 else len({line.action for line in self.said.values()}) == 1


def provider_views(strategy_id: uuid.UUID) -> list[ProviderView]:
    """Return what each provider's newest run of research says, by symbol. Two queries."""
    rows = ExecutionRun.objects.filter(strategy_id=strategy_id, status=ExecutionRun.Status.SUCCEEDED)
    research = rows.exclude(request__origin=ResearchRequest.Origin.REBALANCE)
    newest = dict(research.order_by("started_at", "sequence").values_list("provider", "pk"))  # the last one stays
    by_symbol: dict[str, dict[str, Recommendation]] = {}
    lines = Recommendation.objects.filter(run_id__in=newest.values()).exclude(symbol="").select_related("run")
    for line in lines.order_by("symbol", "line"):
        by_symbol.setdefault(line.symbol, {})[line.run.provider] = line
    return [ProviderView(symbol, said) for symbol, said in sorted(by_symbol.items())]
