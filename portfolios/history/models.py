"""The versions of every row that people edit by hand: who, when and why.

Cash and holdings have the ledger; what the ledger does not know has its history here. The tables are an app of
their own, so that the product's commands start without it: they add reference data, people change it.
"""

from typing import TYPE_CHECKING, Any

from django.db import models
from simple_history import register
from simple_history.models import HistoricalRecords

from portfolios.models import PortfolioAccount, Price, RiskPolicy, Security, Strategy

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class HandEdits(HistoricalRecords):
    """Keeps a version of a row whenever it is saved, but for a save of columns that have no history."""

    def post_save(self, instance: models.Model, created: bool, using: str | None = None, **facts: Any) -> None:  # noqa: FBT001  # called by Django with these arguments
        """Keep the version, unless nothing that people edit was written: the ledger writes balances."""
        written = facts.get("update_fields")
        if written is None or set(written) & {field.name for field in self.fields_included(type(instance))}:
            super().post_save(instance, created, using=using, **facts)


_BALANCES = ["cash_balance", "payable", "equity_value", "book_version", "created_at", "updated_at"]

for _model, _left_out in (
    (Strategy, ["created_at", "updated_at"]),
    (RiskPolicy, ["created_at"]),
    (Security, ["created_at", "updated_at"]),
    (Price, ["created_at"]),
    (PortfolioAccount, _BALANCES),
):
    register(
        _model,
        app="portfolios.history",
        records_class=HandEdits,
        table_name=f"history_{_model._meta.model_name}",
        excluded_fields=_left_out,
        history_change_reason_field=models.TextField(null=True),
    )

TRACKED: tuple[type[models.Model], ...] = (Strategy, RiskPolicy, Security, Price, PortfolioAccount)


def versions(model: type[models.Model]) -> "models.QuerySet[Any]":
    """Return the stored versions of all rows of a tracked model, newest first."""
    records: Any = model
    found: models.QuerySet[Any] = records.history.select_related("history_user")
    return found.order_by("-history_date", "-history_id")


def sign(row: models.Model, *, user: "User", reason: str) -> None:
    """Say who saves or deletes the row next, and why; goes onto the version that this leaves."""
    signed: Any = row
    signed._history_user = user  # noqa: SLF001  # the library's own interface
    signed._change_reason = reason  # noqa: SLF001  # the same
