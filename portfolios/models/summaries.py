"""What pages show of an account without working it out again."""

from django.db import models

from portfolios.domain import vocabulary
from portfolios.models.accounts import PortfolioAccount
from portfolios.models.fields import CashField, UnitField


def _ratio(help_text: str) -> UnitField:
    return UnitField(null=True, blank=True, help_text=f"{help_text} As a fraction; empty: not enough data.")


class AccountSummary(models.Model):
    """The measures of one account at its last valuation, stored when that is written.

    It follows from the books and can be made again. `book_version` and `total` say of which books it is: where they
    are not the account's, it is out of date, and pages say so. What it says of the margin follows every booking.
    """

    account = models.OneToOneField(PortfolioAccount, on_delete=models.PROTECT, related_name="summary")
    as_of = models.DateTimeField(help_text="Time of the last valuation.")
    book_version = models.PositiveBigIntegerField(help_text="Ledger entries behind the measures.")
    total = CashField(help_text="Cash plus equity at the last valuation.")
    change = CashField(
        null=True,
        blank=True,
        help_text="Gain since the last valuation of an earlier day, without deposits and withdrawals.",
    )
    valuation_days = models.PositiveIntegerField(help_text="Days (UTC) with a valuation.")
    time_weighted_return = _ratio("Time-weighted return since the account was opened.")
    max_drawdown = _ratio("Deepest fall from a high, zero or below.")
    sharpe_ratio = _ratio("Sharpe ratio of the daily returns, annualized, without a risk-free rate.")
    hit_rate = _ratio("Closed positions with a profit by all closed positions.")
    turnover = _ratio("The lesser of bought and sold by the average value.")
    closed_positions = models.PositiveIntegerField(default=0)
    open_positions = models.PositiveIntegerField(default=0)
    total_costs = CashField(default=0, help_text="Fees paid.")
    gross_exposure = CashField(default=0, help_text="Market value of the open positions, shorts positive.")
    net_exposure = CashField(default=0, help_text="Market value of the open positions, shorts negative.")
    oldest_mark_at = models.DateTimeField(
        null=True, blank=True, help_text="Time of the oldest price among the open positions."
    )
    available_cash = CashField(
        null=True,
        blank=True,
        help_text="Cash less the value of the shorts and the margin on it; empty: more than the books hold.",
    )
    margin_status = models.CharField(
        max_length=16,
        choices=vocabulary.MarginStatus.choices,
        default=vocabulary.MarginStatus.COVERED.value,
        help_text="Whether the cash covers the shorts with their margin, at the last marks.",
    )
    refreshed_at = models.DateTimeField()

    class Meta:
        ordering = ["account"]
        verbose_name_plural = "account summaries"
        constraints = [
            models.CheckConstraint(
                name="summary_margin_status_known",
                condition=models.Q(margin_status__in=vocabulary.MarginStatus.values),
            )
        ]
        indexes = [models.Index(name="summary_by_total", fields=["-total"])]

    def __str__(self) -> str:
        return f"{self.total} as of {self.as_of:%Y-%m-%d %H:%M}"
