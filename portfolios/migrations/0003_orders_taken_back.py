from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("portfolios", "0002_prices_and_market_hours"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="ledgerentry",
            name="ledger_sign_fits_kind",
        ),
        migrations.AddConstraint(
            model_name="ledgerentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("amount__gt", 0), ("kind", "DEPOSIT")),
                    models.Q(("amount__lt", 0), ("kind", "WITHDRAWAL")),
                    models.Q(
                        ("amount__lte", 0),
                        ("kind__in", ["BUY", "BUY_TO_COVER"]),
                        ("price__gt", 0),
                        ("quantity__gt", 0),
                    ),
                    models.Q(
                        ("amount__gte", 0),
                        ("kind__in", ["SELL", "SELL_SHORT"]),
                        ("price__gt", 0),
                        ("quantity__lt", 0),
                    ),
                    models.Q(("amount__lt", 0), ("kind", "FEE")),
                    ("kind", "DIVIDEND"),
                    models.Q(("amount", 0), ("cost_basis__gte", 0), ("kind", "SPLIT"), ("position__isnull", False)),
                    models.Q(("cost_basis", None), ("kind", "CORRECTION"), ("position", None), ("quantity", 0)),
                    models.Q(
                        ("amount", 0), ("cost_basis__gte", 0), ("kind", "CORRECTION"), ("position__isnull", False)
                    ),
                    models.Q(
                        ("cost_basis__gte", 0),
                        ("kind", "CORRECTION"),
                        ("order__isnull", False),
                        ("position__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="ledger_sign_fits_kind",
            ),
        ),
    ]
