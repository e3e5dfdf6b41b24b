"""Securities and their prices."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from common.identifiers import NoSymbol, read_declared_symbol
from portfolios.models.fields import UnitField


class Security(models.Model):
    """Something that can be held. The books refer to it by its symbol, in canonical form (BRK.B)."""

    class AssetClass(models.TextChoices):
        EQUITY = "equity", "Equity"
        FUND = "fund", "Fund"
        OTHER = "other", "Other"

    symbol = models.CharField(max_length=16, unique=True)
    name = models.CharField(max_length=200, blank=True, default="")
    sector = models.CharField(
        max_length=64,
        blank=True,
        default="",
        help_text="GICS sector. Empty: unknown, so that the sector limit is recorded as unverified.",
    )
    exchange = models.CharField(max_length=16, blank=True, default="")
    currency = models.CharField(max_length=3, default="USD")
    asset_class = models.CharField(max_length=16, choices=AssetClass, default=AssetClass.EQUITY)
    quantity_step = UnitField(
        default="0.01", help_text="Quantities are whole multiples of this; 1 for whole shares."
    )
    minimum_quantity = UnitField(default=0, help_text="Smallest quantity of an order; full exits pass.")
    is_active = models.BooleanField(
        default=True, help_text="Whether it is still traded. A position in one that is not may only be reduced."
    )
    is_verified = models.BooleanField(
        default=False,
        help_text="Whether a person or an import has confirmed the data; research creates it unverified.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["symbol"]
        verbose_name_plural = "securities"
        constraints = [
            models.CheckConstraint(name="security_symbol_not_empty", condition=~Q(symbol="")),
            models.CheckConstraint(name="security_quantity_step_positive", condition=Q(quantity_step__gt=0)),
            models.CheckConstraint(
                name="security_minimum_quantity_not_negative", condition=Q(minimum_quantity__gte=0)
            ),
        ]
        indexes = [models.Index(name="security_sector", fields=["sector"])]

    def __str__(self) -> str:
        return self.symbol

    def clean(self) -> None:
        """Write the symbol of a new security in canonical form. Raises ValidationError for what is none."""
        if not self._state.adding:
            return
        found = read_declared_symbol(self.symbol)
        if isinstance(found, NoSymbol):
            raise ValidationError({"symbol": f"{self.symbol} is not a symbol: {found.rule}"})
        self.symbol = found


class Price(models.Model):
    """What one unit cost at one time, according to one source."""

    security = models.ForeignKey(
        Security, on_delete=models.PROTECT, related_name="prices", to_field="symbol", db_column="symbol"
    )
    price = UnitField()
    currency = models.CharField(max_length=3, default="USD")
    source = models.CharField(max_length=32)
    as_of = models.DateTimeField(help_text="When the price held, not when it was stored.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-as_of"]
        constraints = [
            models.CheckConstraint(name="price_positive", condition=Q(price__gt=0)),
            models.UniqueConstraint(name="price_once_per_source_and_time", fields=["security", "source", "as_of"]),
        ]
        indexes = [
            models.Index(name="price_latest", fields=["security", "-as_of"]),
            models.Index(name="price_by_time", fields=["-as_of"]),
        ]

    def __str__(self) -> str:
        return f"{self.security_id} {self.price} ({self.source}, {self.as_of:%Y-%m-%d %H:%M})"
