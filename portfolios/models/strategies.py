"""Strategies, and what each of them may do."""

import uuid
from typing import TypeAlias

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q

from common.identifiers import read_declared_symbol
from portfolios.domain import vocabulary
from portfolios.domain.limit import Kind
from portfolios.domain.risk_limits import FIELDS, LIMITS, value_problems
from portfolios.models.fields import CashField, PercentField, UnitField


def validate_symbols(value: object) -> None:
    """Accept a list of symbols in canonical form. Raises ValidationError for anything else."""
    listed = value if isinstance(value, list) else [None]
    if not all(isinstance(item, str) and read_declared_symbol(item) == item for item in listed):
        raise ValidationError('Write a list of symbols in upper case, as ["GME", "AMC"].')


class Strategy(models.Model):
    """An investment idea. Each AI provider that follows it trades in an account of its own."""

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        ACTIVE = "active", "Active"
        INACTIVE = "inactive", "Inactive"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=200, unique=True)
    description = models.TextField(blank=True, default="")
    status = models.CharField(
        max_length=16,
        choices=Status,
        default=Status.ACTIVE,
        help_text="Only an active strategy executes research.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "strategies"
        constraints = [
            models.CheckConstraint(
                name="strategy_status_known", condition=Q(status__in=["draft", "active", "inactive"])
            ),
            models.CheckConstraint(name="strategy_name_not_empty", condition=~Q(name="")),
        ]

    def __str__(self) -> str:
        return self.name


def _percent(help_text: str) -> PercentField:
    return PercentField(null=True, blank=True, help_text=f"{help_text} Empty: the system's limit.")


def _percentages_possible() -> Q:
    """Every percentage within the bounds of its row. An empty one makes its comparison NULL, which passes."""
    within: dict[str, object] = {}
    for row in LIMITS:
        if row.kind is Kind.PERCENT and row.bounds is not None:
            least, most = int(row.bounds.least), row.bounds.most
            within |= {f"{row.field}__gte": least} if most is None else {f"{row.field}__range": (least, int(most))}
    return Q(**within)


class RiskPolicy(models.Model):
    """One version of a strategy's limits and costs; the newest version counts.

    Percentages are of the account's total value. The system's own limits stand over a policy: the stricter wins.
    What each limit means, and its bounds, say the rows of `portfolios.domain.risk_limits`.
    """

    OnBreach: TypeAlias = vocabulary.OnBreach

    class Rounding(models.TextChoices):
        HALF_EVEN = "ROUND_HALF_EVEN", "Half to even (published)"
        DOWN = "ROUND_DOWN", "Down"

    strategy = models.ForeignKey(Strategy, on_delete=models.PROTECT, related_name="risk_policies")
    version = models.PositiveIntegerField(default=1)
    max_position_percent = _percent("Largest position.")
    max_sector_percent = _percent("Largest sum of the positions of one sector.")
    max_gross_exposure_percent = _percent("Largest sum of all positions, shorts counted as positive.")
    max_net_exposure_percent = _percent("Largest sum of all positions, shorts counted as negative, on either side.")
    max_short_exposure_percent = _percent("Largest sum of all shorts.")
    max_single_short_percent = _percent("Largest short.")
    drift_band_percent = _percent("Drift from a target weight that is not traded; full exits pass.")
    max_orders_per_run = models.PositiveIntegerField(
        null=True, blank=True, help_text="Orders that a run may make; exits always go. Empty: the system's limit."
    )
    price_band_percent = _percent("Farthest a price may be from the last close or from the research's claim.")
    require_open_market = models.BooleanField(
        default=False, help_text="Whether research is executed only while the market is open."
    )
    max_research_age_hours = models.PositiveIntegerField(
        null=True, blank=True, help_text="Age from which research waits for a person. Empty: the system's limit."
    )
    defer_hours = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="Hours, from the first run of its request, in which a line that a passing hindrance stopped is"
        " tried again. Empty: the system's.",
    )
    all_or_nothing = models.BooleanField(
        default=False,
        help_text="Whether research is refused as a whole where any of its lines is quarantined or deferred.",
    )
    cash_reserve_percent = _percent("Cash that buys leave untouched.")
    min_order_value = CashField(null=True, blank=True, help_text="Smaller orders are skipped; full exits pass.")
    max_order_value = CashField(null=True, blank=True, help_text="Larger orders are made smaller.")
    restricted_symbols = models.JSONField(
        default=list,
        blank=True,
        validators=[validate_symbols],
        help_text='Symbols that may only be reduced, as ["GME", "AMC"].',
    )
    allow_short = models.BooleanField(default=False, help_text="Whether SELL_SHORT may open positions.")
    whole_share_shorts = models.BooleanField(default=False, help_text="Whether shorts are whole units only.")
    short_margin_percent = _percent("Cash kept for a short on top of its value.")
    on_breach = models.CharField(max_length=8, choices=OnBreach.choices, default=OnBreach.CLAMP.value)
    rounding = models.CharField(max_length=16, choices=Rounding, default=Rounding.HALF_EVEN)
    commission_per_order = CashField(default=0, help_text="Cash per order.")
    commission_per_share = UnitField(default=0, help_text="Cash per unit.")
    commission_bps = PercentField(default=0, help_text="Basis points (1/10,000) of the notional.")
    commission_minimum = CashField(default=0, help_text="Least commission of an order, in cash.")
    slippage_bps = PercentField(default=0, help_text="Basis points by which fills are worse than the price.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["strategy", "-version"]
        verbose_name_plural = "risk policies"
        constraints = [
            models.UniqueConstraint(name="risk_policy_one_per_version", fields=["strategy", "version"]),
            models.CheckConstraint(name="risk_policy_percentages_possible", condition=_percentages_possible()),
            # An empty limit makes its comparison NULL, which a check constraint lets pass.
            models.CheckConstraint(
                name="risk_policy_order_values_possible",
                condition=Q(
                    min_order_value__gte=0, max_order_value__gt=0, min_order_value__lte=F("max_order_value")
                ),
            ),
            models.CheckConstraint(
                name="risk_policy_costs_not_negative",
                condition=Q(
                    commission_per_order__gte=0,
                    commission_per_share__gte=0,
                    commission_bps__gte=0,
                    commission_minimum__gte=0,
                    slippage_bps__gte=0,
                    slippage_bps__lt=10_000,
                ),
            ),
            models.CheckConstraint(
                name="risk_policy_words_known",
                condition=Q(
                    on_breach__in=vocabulary.OnBreach.values, rounding__in=["ROUND_HALF_EVEN", "ROUND_DOWN"]
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"version {self.version}"

    def clean(self) -> None:
        """Hold every value to the bounds of its row; the error names the field. Raises ValidationError."""
        problems = value_problems({row.field: getattr(self, row.field) for row in FIELDS})
        if problems:
            raise ValidationError({name: f"{words[0].upper()}{words[1:]}." for name, words in problems.items()})
