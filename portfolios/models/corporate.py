"""Corporate actions that were booked, each once."""

from django.db import models
from django.db.models import Q

from portfolios.models.fields import UnitField
from portfolios.models.securities import Security


class CorporateAction(models.Model):
    """A split or a cash dividend of one security on one day, booked in every account that held it."""

    class Kind(models.TextChoices):
        SPLIT = "split", "Split"
        DIVIDEND = "dividend", "Cash dividend"

    security = models.ForeignKey(
        Security, on_delete=models.PROTECT, related_name="corporate_actions", to_field="symbol", db_column="symbol"
    )
    kind = models.CharField(max_length=16, choices=Kind)
    value = UnitField(help_text="Split: new units for one old. Dividend: cash per unit.")
    effective_on = models.DateField()
    account_count = models.PositiveIntegerField(help_text="Accounts that held the security.")
    actor = models.CharField(max_length=150)
    booked_at = models.DateTimeField()

    class Meta:
        ordering = ["-effective_on", "security"]
        constraints = [
            models.UniqueConstraint(
                name="corporate_action_once_per_day", fields=["security", "kind", "effective_on"]
            ),
            models.CheckConstraint(name="corporate_action_value_positive", condition=Q(value__gt=0)),
            models.CheckConstraint(name="corporate_action_kind_known", condition=Q(kind__in=["split", "dividend"])),
        ]

    def __str__(self) -> str:
        return f"{self.security_id} {self.kind} {self.value} on {self.effective_on}"
