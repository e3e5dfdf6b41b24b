"""What the engine room remembers: requests, runs, and the decision on every line."""

import uuid
from decimal import Decimal
from typing import TypeAlias

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q

from common.money import percent_difference, plain
from execution.engine import vocabulary
from portfolios.models import Order, PortfolioAccount, Provider, Security, Strategy
from portfolios.models.fields import CashField, PercentField, UnitField


class ResearchRequest(models.Model):
    """One piece of research as it arrived. Its id is the name of its directory.

    Whose it is (strategy, provider) comes from the research itself, from a person, or from its first run.
    """

    class Origin(models.TextChoices):
        DIRECTORY = "directory", "Artifact directory"
        INLINE = "inline", "Sent with the call"
        REBALANCE = "rebalance", "Rebalance"

    class State(models.TextChoices):
        NEW = "new", "New: whose it is is not known"
        READY = "ready", "Ready"
        QUARANTINED = "quarantined", "Quarantined: cannot be read"
        EXECUTED = "executed", "Executed"
        FAILED = "failed", "Failed"
        IGNORED = "ignored", "Ignored"

    id = models.UUIDField(primary_key=True)
    state = models.CharField(max_length=16, choices=State, default=State.NEW)
    strategy = models.ForeignKey(Strategy, on_delete=models.PROTECT, related_name="requests", null=True, blank=True)
    provider = models.CharField(max_length=16, choices=Provider.choices, blank=True, default="")
    task_id = models.UUIDField(null=True, blank=True)
    origin = models.CharField(max_length=16, choices=Origin, default=Origin.DIRECTORY)
    digest = models.CharField(max_length=64, blank=True, default="", help_text="SHA-256 of the artifact's bytes.")
    source_path = models.CharField(
        max_length=1024, blank=True, default="", help_text="File that was read, or where else it came from."
    )
    content = models.TextField(blank=True, default="", help_text="The artifact as it was read.")
    fingerprint = models.CharField(
        max_length=64, blank=True, default="", help_text="Sizes and times of the files at the last scan."
    )
    recommendation_count = models.PositiveIntegerField(default=0)
    problem_count = models.PositiveIntegerField(default=0, help_text="Lines that could not be trusted.")
    problems = models.JSONField(default=list, blank=True, help_text="What keeps the request from being executed.")
    market_context = models.TextField(blank=True, default="")
    written_at = models.DateTimeField(null=True, blank=True, help_text="Time that the research gives for itself.")
    received_at = models.DateTimeField()
    assigned_by = models.CharField(max_length=150, blank=True, default="", help_text="Who said whose it is.")

    class Meta:
        ordering = ["-received_at"]
        constraints = [
            models.CheckConstraint(
                name="request_state_known",
                condition=Q(state__in=["new", "ready", "quarantined", "executed", "failed", "ignored"]),
            ),
            models.CheckConstraint(
                name="request_ready_is_complete",
                condition=~Q(state="ready") | (Q(strategy__isnull=False) & ~Q(provider="") & ~Q(digest="")),
            ),
        ]
        indexes = [
            models.Index(name="request_by_time", fields=["-received_at"]),
            models.Index(name="request_by_state", fields=["state", "received_at"]),
        ]

    def __str__(self) -> str:
        return str(self.id)


class LineResolution(models.Model):
    """What a person said of one quarantined line, append-only: the newest of a line counts.

    Without action, symbol and size it confirms the line as it is written.
    """

    request = models.ForeignKey(ResearchRequest, on_delete=models.PROTECT, related_name="resolutions")
    line = models.PositiveIntegerField(help_text="Line of the artifact, from 1.")
    action = models.CharField(max_length=16, blank=True, default="")
    symbol = models.CharField(max_length=16, blank=True, default="")
    allocation_percent = PercentField(null=True, blank=True)
    actor = models.CharField(max_length=150)
    reason = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(name="resolution_explained", condition=~Q(actor="") & ~Q(reason="")),
            models.CheckConstraint(name="resolution_line_from_one", condition=Q(line__gte=1)),
        ]
        indexes = [models.Index(name="resolution_by_line", fields=["request", "line", "-id"])]

    def __str__(self) -> str:
        return f"line {self.line}: {self.action or 'as written'} {self.symbol}".rstrip()


class MappingRule(models.Model):
    """How one provider's word is meant from now on, in versions: the newest counts, an empty one ends the rule."""

    class Field(models.TextChoices):
        ACTION = "action", "Action"
        SYMBOL = "symbol", "Symbol"
        SIZE_UNIT = "size_unit", "Unit of a size field"

    provider = models.CharField(max_length=16, choices=Provider.choices)
    field = models.CharField(max_length=16, choices=Field)
    written = models.CharField(max_length=64, help_text="The word, or the name of the size field, in lower case.")
    meaning = models.CharField(max_length=16, blank=True, default="", help_text="Empty: the rule is withdrawn.")
    version = models.PositiveIntegerField(default=1)
    actor = models.CharField(max_length=150)
    reason = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["provider", "field", "written", "-version"]
        constraints = [
            models.UniqueConstraint(
                name="mapping_rule_once_per_version", fields=["provider", "field", "written", "version"]
            ),
            models.CheckConstraint(name="mapping_rule_explained", condition=~Q(actor="") & ~Q(reason="")),
        ]

    def __str__(self) -> str:
        return f"{self.provider}: {self.field} {self.written} is {self.meaning or 'withdrawn'}"


class ExecutionRun(models.Model):
    """One execution of one request in one account: what went in, what came out, who asked and from where."""

    class Status(models.TextChoices):
        RUNNING = "running", "Running"
        SUCCEEDED = "succeeded", "Succeeded"
        FAILED = "failed", "Failed"

    class Source(models.TextChoices):
        COMMAND = "command", "Command"
        ADMIN = "admin", "Admin"
        DASHBOARD = "dashboard", "Dashboard"
        API = "api", "API"
        WORKER = "worker", "Worker"
        SERVICE = "service", "Python call"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    request = models.ForeignKey(ResearchRequest, on_delete=models.PROTECT, related_name="runs")
    strategy = models.ForeignKey(Strategy, on_delete=models.PROTECT, related_name="runs")
    provider = models.CharField(max_length=16, choices=Provider.choices)
    account = models.ForeignKey(
        PortfolioAccount,
        on_delete=models.PROTECT,
        related_name="runs",
        null=True,
        blank=True,
        help_text="Empty only for a failed run whose account was never made.",
    )
    sequence = models.PositiveIntegerField(default=1, help_text="1, or more for a follow-up of the same request.")
    generation = models.PositiveIntegerField(
        default=1, help_text="1, or more where the request was executed again after a reversal."
    )
    is_follow_up = models.BooleanField(
        default=False, help_text="Whether the run is about lines that an earlier run left undecided, not about all."
    )
    status = models.CharField(max_length=16, choices=Status, default=Status.RUNNING)
    task_id = models.UUIDField()
    digest = models.CharField(max_length=64, help_text="SHA-256 of the artifact that was executed.")
    parameters = models.JSONField(
        default=dict, encoder=DjangoJSONEncoder, help_text="What the plan was made of, beside artifact and prices."
    )
    prices = models.JSONField(default=dict, help_text="Price, source and time of every symbol priced for the run.")
    is_simulated = models.BooleanField(default=False, help_text="Whether a default price was used or asked for.")
    is_settled = models.BooleanField(
        null=True,
        blank=True,
        help_text="Whether planning again right after the run gives no order; empty where sizes are amounts.",
    )
    is_market_open = models.BooleanField(
        null=True, blank=True, help_text="Whether the stock market was open; empty where its calendar ends."
    )
    actor = models.CharField(max_length=150)
    source = models.CharField(max_length=16, choices=Source, db_column="door")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    recommendation_count = models.PositiveIntegerField(default=0)
    order_count = models.PositiveIntegerField(default=0)
    position_count = models.PositiveIntegerField(default=0, help_text="Positions opened.")
    outcome_counts = models.JSONField(default=dict, help_text="How many lines ended in which outcome.")
    report = models.JSONField(default=dict, help_text="The report as it was given; a replay gives it again.")
    error = models.TextField(blank=True, default="", help_text="What went wrong in a failed run.")

    class Meta:
        ordering = ["-started_at"]
        constraints = [
            models.UniqueConstraint(
                name="run_one_per_account_request_and_sequence",
                fields=["account", "request", "sequence"],
                condition=~Q(status="failed"),
            ),
            models.CheckConstraint(
                name="run_status_known", condition=Q(status__in=["running", "succeeded", "failed"])
            ),
            models.CheckConstraint(
                name="run_complete_unless_failed",
                condition=Q(status="failed", finished_at__isnull=False)
                | Q(status="running", account__isnull=False, finished_at=None)
                | Q(status="succeeded", account__isnull=False, finished_at__isnull=False),
            ),
            models.CheckConstraint(name="run_sequence_from_one", condition=Q(sequence__gte=1)),
        ]
        indexes = [
            models.Index(name="run_by_account", fields=["account", "-started_at"]),
            models.Index(name="run_by_time", fields=["-started_at"]),
        ]

    def __str__(self) -> str:
        return str(self.id)


class Reversal(models.Model):
    """A run whose orders were reversed: who did it, when and why. The run and its orders stay as they were."""

    run = models.OneToOneField(ExecutionRun, on_delete=models.PROTECT, related_name="reversal")
    actor = models.CharField(max_length=150)
    source = models.CharField(max_length=16, choices=ExecutionRun.Source, db_column="door")
    reason = models.TextField()
    reversed_at = models.DateTimeField()
    entry_count = models.PositiveIntegerField(help_text="Ledger entries that were reversed.")
    cash = CashField(help_text="Signed cash that came back, + into the account.")
    report = models.JSONField(default=dict, help_text="The report as it was given; a second call gives it again.")

    class Meta:
        ordering = ["-reversed_at"]
        constraints = [
            models.CheckConstraint(name="reversal_explained", condition=~Q(actor="") & ~Q(reason="")),
            models.CheckConstraint(name="reversal_of_something", condition=Q(entry_count__gte=1)),
        ]

    def __str__(self) -> str:
        return f"{self.run_id} reversed"


class Recommendation(models.Model):
    """One line of a run with the one decision it ended in."""

    Outcome: TypeAlias = vocabulary.Outcome

    run = models.ForeignKey(ExecutionRun, on_delete=models.PROTECT, related_name="recommendations")
    line = models.PositiveIntegerField(help_text="Line of the artifact, from 1.")
    symbol = models.CharField(max_length=16, blank=True, default="")
    action = models.CharField(max_length=32, blank=True, default="")
    allocation_percent = PercentField(null=True, blank=True)
    confidence = models.DecimalField(
        max_digits=7, decimal_places=6, null=True, blank=True, help_text="0 to 1; empty where its scale is unclear."
    )
    confidence_raw = models.CharField(max_length=64, blank=True, default="", help_text="As it was written.")
    rationale = models.TextField(blank=True, default="")
    claimed_price = UnitField(null=True, blank=True, help_text="Current price according to the research.")
    target_price = UnitField(null=True, blank=True)
    raw = models.JSONField(null=True, blank=True, help_text="The line as it was written, numbers as text.")
    outcome = models.CharField(max_length=16, choices=Outcome.choices)
    codes = models.JSONField(default=list)
    reason = models.TextField()
    deferred_since = models.DateTimeField(
        null=True, blank=True, help_text="When the request of a deferred line was first executed."
    )
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Until when a deferred line is tried again.")
    verdicts = models.JSONField(default=list, help_text="What each limit said, with its numbers.")
    orders = models.ManyToManyField(Order, through="RecommendationOrder", related_name="recommendations")

    class Meta:
        ordering = ["run", "line"]
        constraints = [
            models.UniqueConstraint(name="recommendation_once_per_line", fields=["run", "line"]),
            models.CheckConstraint(
                name="recommendation_outcome_known",
                condition=Q(outcome__in=vocabulary.Outcome.values),
            ),
            models.CheckConstraint(
                name="recommendation_expires_if_deferred",
                condition=Q(outcome="DEFERRED", deferred_since__isnull=False, expires_at__isnull=False)
                | (~Q(outcome="DEFERRED") & Q(deferred_since=None, expires_at=None)),
            ),
        ]
        indexes = [
            models.Index(name="recommendation_by_symbol", fields=["symbol"]),
            # Few lines wait for a person, and the first page of the admin counts them.
            models.Index(
                name="recommendation_waiting",
                fields=["run"],
                condition=Q(outcome=vocabulary.Outcome.QUARANTINED.value),
            ),
            models.Index(
                name="recommendation_deferred",
                fields=["run"],
                condition=Q(outcome=vocabulary.Outcome.DEFERRED.value),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.line} {self.symbol} {self.action}"


class RecommendationOrder(models.Model):
    """Which line an order comes from: at most one. A flip has two orders, one a leg."""

    recommendation = models.ForeignKey(Recommendation, on_delete=models.PROTECT, related_name="links")
    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="recommendation_link")

    class Meta:
        ordering = ["recommendation", "id"]

    def __str__(self) -> str:
        return f"{self.recommendation_id} -> {self.order_id}"


class RefusedPrice(models.Model):
    """A price of something held that was too far from the last one: holdings keep their mark until it is settled.

    One row a price. It waits for a person until somebody accepts it, or until a later price is used instead.
    """

    class Resolution(models.TextChoices):
        ACCEPTED = "accepted", "Accepted"
        SUPERSEDED = "superseded", "Replaced by a later price"

    security = models.ForeignKey(
        Security, on_delete=models.PROTECT, related_name="refused_prices", to_field="symbol", db_column="symbol"
    )
    price = UnitField()
    source = models.CharField(max_length=32)
    as_of = models.DateTimeField(help_text="When the price held.")
    reference = UnitField(help_text="Price that it is too far from.")
    basis = models.CharField(max_length=32, help_text="What that price is.")
    band_percent = PercentField(help_text="How far from it a price may be, in percent.")
    refused_at = models.DateTimeField(help_text="When it was refused last.")
    resolution = models.CharField(max_length=16, choices=Resolution, blank=True, default="")
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.CharField(max_length=150, blank=True, default="", help_text="Who accepted it.")
    reason = models.TextField(blank=True, default="")

    class Meta:
        ordering = ["-refused_at", "security"]
        constraints = [
            models.CheckConstraint(name="refused_price_positive", condition=Q(price__gt=0, reference__gt=0)),
            models.UniqueConstraint(
                name="refused_price_once_per_source_and_time", fields=["security", "source", "as_of"]
            ),
            models.CheckConstraint(
                name="refused_price_resolved_whole",
                condition=Q(resolution="", resolved_at=None)
                | Q(resolution="accepted", resolved_at__isnull=False) & ~Q(resolved_by="") & ~Q(reason="")
                | Q(resolution="superseded", resolved_at__isnull=False),
            ),
        ]
        indexes = [
            # Few wait, and the first pages count them.
            models.Index(name="refused_price_waiting", fields=["security"], condition=Q(resolved_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.security_id} {plain(self.price)} ({self.source}, {self.as_of:%Y-%m-%d %H:%M})"

    @property
    def difference_percent(self) -> Decimal:
        """How far the price is from the one that it was compared with, in percent of that."""
        return percent_difference(self.price, base=self.reference)
