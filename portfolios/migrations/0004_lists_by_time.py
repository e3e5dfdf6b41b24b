from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("portfolios", "0003_orders_taken_back"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="ledgerentry",
            index=models.Index(fields=["-occurred_at", "-id"], name="ledger_by_time"),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(fields=["-placed_at"], name="order_by_time"),
        ),
        migrations.AddIndex(
            model_name="position",
            index=models.Index(fields=["-opened_at"], name="position_by_time"),
        ),
        migrations.AddIndex(
            model_name="price",
            index=models.Index(fields=["-as_of"], name="price_by_time"),
        ),
        migrations.AddIndex(
            model_name="valuation",
            index=models.Index(fields=["-as_of"], name="valuation_by_time"),
        ),
    ]
