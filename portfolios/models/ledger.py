"""The ledger: every change of cash or holdings, once, for ever."""

from django.db import models
from django.db.models import Q

from portfolios.domain.projection import Entry
from portfolios.models.accounts import PortfolioAccount
from portfolios.models.corporate import CorporateAction
from portfolios.models.fields import CashField, UnitField
from portfolios.models.securities import Security
from portfolios.models.trading import Order, Position

_HAND_MADE = [
    "WITHDRAWAL", "DIVIDEND", "SPLIT", "CASH_IN_LIEU", "TRANSFER", "CORRECTION", "REVERSAL",
]  # fmt: skip


class LedgerEntry(models.Model):
    """One change, never edited: what is wrong is corrected by another entry.

    `amount` is signed cash, + into the account; `quantity` is the signed change of the holding, + for BUY and
    BUY_TO_COVER. Cash is the sum of the amounts.
    """

    class Kind(models.TextChoices):
        DEPOSIT = "DEPOSIT", "Deposit"
        WITHDRAWAL = "WITHDRAWAL", "Withdrawal"
        BUY = "BUY", "Buy"
        SELL = "SELL", "Sell"
        SELL_SHORT = "SELL_SHORT", "Sell short"
        BUY_TO_COVER = "BUY_TO_COVER", "Buy to cover"
        FEE = "FEE", "Fee"
        DIVIDEND = "DIVIDEND", "Dividend"
        SPLIT = "SPLIT", "Split"
        CASH_IN_LIEU = "CASH_IN_LIEU", "Cash in lieu"
        TRANSFER = "TRANSFER", "Transfer"
        CORRECTION = "CORRECTION", "Correction"
        REVERSAL = "REVERSAL", "Reversal"

    account = models.ForeignKey(PortfolioAccount, on_delete=models.PROTECT, related_name="ledger")
    sequence = models.PositiveBigIntegerField(help_text="Place in the account's ledger, from 1, without gaps.")
    kind = models.CharField(max_length=16, choices=Kind)
    amount = CashField(default=0, help_text="Signed cash, + into the account.")
    balance_after = CashField(help_text="Cash balance after this entry.")
    security = models.ForeignKey(
        Security,
        on_delete=models.PROTECT,
        related_name="ledger",
        to_field="symbol",
        db_column="symbol",
        null=True,
        blank=True,
    )
    quantity = UnitField(default=0, help_text="Signed change of the holding.")
    price = UnitField(
        null=True, blank=True, help_text="Price per unit of a fill; average price after a split or correction."
    )
    position = models.ForeignKey(
        Position,
        on_delete=models.PROTECT,
        related_name="ledger",
        null=True,
        blank=True,
        help_text="Position that the entry changes.",
    )
    cost_basis = CashField(
        null=True, blank=True, help_text="Cost of the holding after a split or correction, which states it anew."
    )
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="ledger", null=True, blank=True)
    reverses = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="Sequence of the entry that a reversal reverses."
    )
    run_id = models.UUIDField(null=True, blank=True, help_text="Execution run that booked the entry.")
    actor = models.CharField(max_length=150, help_text="Who caused the entry.")
    reason = models.TextField(blank=True, default="")
    occurred_at = models.DateTimeField(help_text="Time of booking.")
    effective_on = models.DateField(
        help_text="Day that the entry belongs to: of a corporate action its own, of what is reversed that of the"
        " former entry, else the day of booking in New York."
    )
    action = models.ForeignKey(
        CorporateAction,
        on_delete=models.PROTECT,
        related_name="entries",
        null=True,
        blank=True,
        help_text="Split, dividend or change of symbol that the entry belongs to.",
    )
    owed = CashField(default=0, help_text="Change of what the account owes because its cash did not suffice.")
    realized_pnl = CashField(default=0, help_text="Profit that a split, or its cash in lieu, realizes.")
    mark_before = UnitField(null=True, blank=True, help_text="Mark of the holding before a split.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["account", "sequence"]
        verbose_name_plural = "ledger entries"
        constraints = [
            models.UniqueConstraint(name="ledger_sequence_once_per_account", fields=["account", "sequence"]),
            models.UniqueConstraint(name="ledger_entry_reversed_once", fields=["account", "reverses"]),
            models.CheckConstraint(
                name="ledger_reversal_names_its_entry",
                condition=Q(kind="REVERSAL", reverses__isnull=False) | (~Q(kind="REVERSAL") & Q(reverses=None)),
            ),
            models.CheckConstraint(name="ledger_sequence_from_one", condition=Q(sequence__gte=1)),
            models.CheckConstraint(name="ledger_actor_named", condition=~Q(actor="")),
            models.CheckConstraint(name="ledger_balance_not_negative", condition=Q(balance_after__gte=0)),
            models.CheckConstraint(
                name="ledger_sign_fits_kind",
                condition=Q(kind="DEPOSIT", amount__gt=0)
                | Q(kind="WITHDRAWAL", amount__lt=0)
                | Q(kind__in=["BUY", "BUY_TO_COVER"], amount__lte=0, quantity__gt=0, price__gt=0)
                | Q(kind__in=["SELL", "SELL_SHORT"], amount__gte=0, quantity__lt=0, price__gt=0)
                | Q(kind="FEE", amount__lt=0)
                | Q(kind="DIVIDEND")
                | Q(kind__in=["SPLIT", "TRANSFER"], amount=0, position__isnull=False, cost_basis__gte=0)
                | Q(kind="CASH_IN_LIEU", action__isnull=False, position__isnull=False, cost_basis__gte=0)
                | Q(kind="CORRECTION", position=None, quantity=0, cost_basis=None)
                | Q(kind="CORRECTION", amount=0, position__isnull=False, cost_basis__gte=0)
                # What an order did is reversed: its cash and its part of the holding, in one entry.
                | Q(kind="CORRECTION", order__isnull=False, position__isnull=False, cost_basis__gte=0)
                | Q(kind="REVERSAL", position__isnull=False, order__isnull=False, cost_basis=None)
                | Q(kind="REVERSAL", position__isnull=False, action__isnull=False, order=None),
            ),
            models.CheckConstraint(
                name="ledger_hand_made_has_reason",
                condition=~Q(kind__in=_HAND_MADE, reason=""),
            ),
            models.CheckConstraint(
                name="ledger_debt_is_of_an_action", condition=Q(owed=0) | Q(action__isnull=False)
            ),
            models.CheckConstraint(
                name="ledger_fill_has_order",
                condition=Q(order__isnull=False, security__isnull=False, position__isnull=False)
                | ~Q(kind__in=["BUY", "SELL", "SELL_SHORT", "BUY_TO_COVER"]),
            ),
        ]
        indexes = [
            models.Index(name="ledger_by_run", fields=["run_id"]),
            models.Index(name="ledger_by_symbol", fields=["account", "security", "sequence"]),
            models.Index(name="ledger_by_day", fields=["security", "effective_on"]),
            models.Index(name="ledger_by_time", fields=["-occurred_at", "-id"]),
        ]

    def __str__(self) -> str:
        return f"{self.sequence} {self.kind} {self.amount}"

    @property
    def acts_at_the_open(self) -> bool:
        """Whether the entry comes before the trades of its day. Splits of earlier versions acted when booked, and
        have no mark from before.
        """
        return self.kind == self.Kind.CASH_IN_LIEU or (
            self.kind == self.Kind.SPLIT and self.mark_before is not None
        )

    def as_entry(self) -> Entry:
        """Return the entry as the projection knows it."""
        return Entry(
            sequence=self.sequence,
            kind=self.kind,
            amount=self.amount,
            balance_after=self.balance_after,
            symbol=self.security_id or "",
            position_id=self.position_id,
            quantity=self.quantity,
            price=self.price,
            cost_basis=self.cost_basis,
            reverses=self.reverses,
            order_id=self.order_id,
            effective_on=self.effective_on,
            action_id=self.action_id,
            at_the_open=self.acts_at_the_open,
            owed=self.owed,
            realized_pnl=self.realized_pnl,
        )
