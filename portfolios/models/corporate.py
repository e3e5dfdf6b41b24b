"""Corporate actions that were booked, each once."""

from fractions import Fraction

from django.db import models
from django.db.models import Q

from common.money import plain
from portfolios.models.fields import UnitField
from portfolios.models.securities import Security


class CorporateAction(models.Model):
    """A split, a cash dividend or a change of symbol of one security on one day, in every account that held it.

    What it did are the ledger entries that name it. One that was reversed stays, with who reversed it and why.
    """

    class Kind(models.TextChoices):
        SPLIT = "split", "Split"
        DIVIDEND = "dividend", "Cash dividend"
        SYMBOL_CHANGE = "symbol_change", "Change of symbol"

    security = models.ForeignKey(
        Security, on_delete=models.PROTECT, related_name="corporate_actions", to_field="symbol", db_column="symbol"
    )
    kind = models.CharField(max_length=16, choices=Kind)
    value = UnitField(help_text="Split: new units for one old. Dividend: cash per unit. Change of symbol: 1.")
    new_units = models.PositiveBigIntegerField(default=1, help_text="Split: new units for `old_units`, exactly.")
    old_units = models.PositiveBigIntegerField(
        default=1, help_text="Split: units that `new_units` took the place of."
    )
    price = UnitField(
        null=True, blank=True, help_text="Price per new unit at which a split paid what was left below a step."
    )
    successor = models.ForeignKey(
        Security,
        on_delete=models.PROTECT,
        related_name="predecessors",
        to_field="symbol",
        db_column="successor",
        null=True,
        blank=True,
        help_text="Symbol from the day on, for a change of symbol.",
    )
    effective_on = models.DateField(
        help_text="First day on the new terms; what was held at the close before counts."
    )
    account_count = models.PositiveIntegerField(help_text="Accounts that the action was booked in.")
    actor = models.CharField(max_length=150)
    reason = models.TextField(blank=True, default="")
    booked_at = models.DateTimeField()
    reversed_at = models.DateTimeField(null=True, blank=True)
    reversed_by = models.CharField(max_length=150, blank=True, default="")
    reversal_reason = models.TextField(blank=True, default="")

    class Meta:
        ordering = ["-effective_on", "security"]
        constraints = [
            models.UniqueConstraint(
                name="corporate_action_once_per_day",
                fields=["security", "kind", "effective_on"],
                condition=Q(reversed_at=None),
            ),
            models.CheckConstraint(name="corporate_action_value_positive", condition=Q(value__gt=0)),
            models.CheckConstraint(
                name="corporate_action_ratio_positive", condition=Q(new_units__gt=0, old_units__gt=0)
            ),
            models.CheckConstraint(
                name="corporate_action_kind_known", condition=Q(kind__in=["split", "dividend", "symbol_change"])
            ),
            models.CheckConstraint(
                name="corporate_action_successor_where_symbol_changes",
                condition=Q(kind="symbol_change", successor__isnull=False)
                | (~Q(kind="symbol_change") & Q(successor=None)),
            ),
            models.CheckConstraint(
                name="corporate_action_reversed_by_somebody",
                condition=Q(reversed_at=None, reversed_by="", reversal_reason="")
                | (Q(reversed_at__isnull=False) & ~Q(reversed_by="") & ~Q(reversal_reason="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.security_id} {self.get_kind_display().lower()} {self.terms} on {self.effective_on}"

    @property
    def ratio(self) -> Fraction:
        """New units for one old, exactly; 1 for what is no split."""
        return Fraction(self.new_units, self.old_units)

    @property
    def terms(self) -> str:
        """The terms in short: 4:1, the cash per unit, or the new symbol."""
        if self.kind == self.Kind.SPLIT:
            return f"{self.new_units}:{self.old_units}"
        return self.successor_id or plain(self.value)
