"""What summaries say of the margin, and the summaries that are missing: an upgrade leaves nothing to do by hand."""

from collections import defaultdict
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.apps.registry import Apps as StateApps
from django.db import migrations, models
from django.utils import timezone

import portfolios.models.fields
from portfolios.domain.accounting import Action, Holding, Side
from portfolios.domain.performance import Trade, ValuePoint
from portfolios.selectors.margin import margin_in_force
from portfolios.valuation.summaries import SummarySource, summary_values

CHUNK = 200  # accounts that are read at once
Sources = dict[UUID, SummarySource]
_MARGIN = ("available_cash", "margin_status")


def fill(apps: StateApps, _schema_editor: object) -> None:
    """Value accounts that never were, and write the summaries that are missing and the margin of the others.

    An account without any entry stays as it is: nothing has happened to it.
    """
    account_model = apps.get_model("portfolios", "PortfolioAccount")
    keys = list(account_model.objects.order_by("pk").values_list("pk", flat=True))
    now = timezone.now()
    for start in range(0, len(keys), CHUNK):
        accounts = list(account_model.objects.filter(pk__in=keys[start : start + CHUNK], book_version__gt=0))
        _value(apps, accounts, now)
        _summarize(apps, accounts, now)


def _value(apps: StateApps, accounts: list[Any], now: datetime) -> None:
    """Write the first valuation of each account that has none, at its last marks."""
    valuation_model, entry_model = (
        apps.get_model("portfolios", "Valuation"),
        apps.get_model("portfolios", "LedgerEntry"),
    )
    valued = set(valuation_model.objects.filter(account__in=accounts).values_list("account_id", flat=True))
    new = [account for account in accounts if account.pk not in valued]
    flows: dict[UUID, Decimal] = defaultdict(Decimal)
    outside = entry_model.objects.filter(account__in=new, kind__in=("DEPOSIT", "WITHDRAWAL")).order_by()
    for account_id, amount in outside.values_list("account_id", "amount"):
        flows[account_id] += amount
    valuation_model.objects.bulk_create(
        valuation_model(
            account=account,
            as_of=now,
            cash=account.cash_balance,
            equity=account.equity_value,
            total=account.cash_balance + account.equity_value,
            external_flow=flows[account.pk],
            book_version=account.book_version,
        )
        for account in new
    )


def _summarize(apps: StateApps, accounts: list[Any], now: datetime) -> None:
    model = apps.get_model("portfolios", "AccountSummary")
    columns = {column.name for column in model._meta.concrete_fields}
    stored = {row.account_id: row for row in model.objects.filter(account__in=accounts)}
    sources = _sources(apps, accounts)
    missing, known = [], []
    for account in accounts:
        values = summary_values(sources[account.pk], cash_balance=account.cash_balance)
        row = stored.get(account.pk)
        if row is None:
            # A later version may know more columns than there were at this one.
            values = {name: value for name, value in values.items() if name in columns}
            missing.append(model(account=account, book_version=account.book_version, refreshed_at=now, **values))
            continue
        for name in _MARGIN:
            setattr(row, name, values[name])
        known.append(row)
    model.objects.bulk_create(missing)
    model.objects.bulk_update(known, _MARGIN)


def _sources(apps: StateApps, accounts: list[Any]) -> Sources:
    """Return what the summaries are made of, by account."""
    read: Sources = {account.pk: SummarySource() for account in accounts}
    rows = apps.get_model("portfolios", "Valuation").objects.filter(account__in=accounts).order_by("as_of", "pk")
    for row in rows:
        read[row.account_id].points.append(ValuePoint(row.as_of, row.total, row.external_flow))
    _read_positions(apps, accounts, read)
    _read_trades(apps, accounts, read)
    policies = apps.get_model("portfolios", "RiskPolicy").objects.order_by("version")
    newest = dict(policies.values_list("strategy_id", "short_margin_percent"))
    for account in accounts:
        read[account.pk].short_margin = margin_in_force(newest.get(account.strategy_id))
    return read


def _read_positions(apps: StateApps, accounts: list[Any], read: Sources) -> None:
    for row in apps.get_model("portfolios", "Position").objects.filter(account__in=accounts).order_by("pk"):
        if row.status != "open":
            read[row.account_id].closed_pnl.append(row.realized_pnl)
            continue
        read[row.account_id].marked_at.append(row.marked_at)
        read[row.account_id].holdings.append(
            Holding(
                symbol=row.security_id,
                side=Side(row.side),
                quantity=row.quantity,
                average_price=row.average_price,
                cost_basis=row.cost_basis,
                realized_pnl=row.realized_pnl,
                mark_price=row.mark_price,
            )
        )


def _read_trades(apps: StateApps, accounts: list[Any], read: Sources) -> None:
    kinds = [*(action.value for action in Action), "FEE"]
    rows = apps.get_model("portfolios", "LedgerEntry").objects.filter(account__in=accounts, kind__in=kinds)
    for account_id, kind, amount in rows.order_by().values_list("account_id", "kind", "amount"):
        if kind == "FEE":
            read[account_id].fees -= amount
        else:
            read[account_id].trades.append(Trade(Action(kind), abs(amount)))


class Migration(migrations.Migration):
    dependencies = [
        ("portfolios", "0010_deferral"),
    ]

    operations = [
        migrations.AddField(
            model_name="accountsummary",
            name="available_cash",
            field=portfolios.models.fields.CashField(
                blank=True,
                decimal_places=2,
                help_text="Cash less the value of the shorts and the margin on it; empty: more than the books hold.",
                max_digits=15,
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="accountsummary",
            name="margin_status",
            field=models.CharField(
                choices=[
                    ("covered", "Covered"),
                    ("deficit", "Below the margin of its shorts"),
                    ("no_equity", "Worth nothing or less"),
                ],
                default="covered",
                help_text="Whether the cash covers the shorts with their margin, at the last marks.",
                max_length=16,
            ),
        ),
        migrations.AddConstraint(
            model_name="accountsummary",
            constraint=models.CheckConstraint(
                condition=models.Q(("margin_status__in", ["covered", "deficit", "no_equity"])),
                name="summary_margin_status_known",
            ),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
