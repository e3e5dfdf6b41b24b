from pathlib import Path

from django.db import migrations, models

from portfolios import migrations as product

NEWEST = max(path.stem for path in Path(product.__path__[0]).glob("[0-9]*.py"))


class Migration(migrations.Migration):
    dependencies = [("portfolios", NEWEST)]
    operations = [
        migrations.AlterField("ledgerentry", "actor", models.CharField(max_length=300)),
        migrations.AlterField("position", "side", models.CharField(max_length=30)),
        migrations.AlterField("order", "action", models.CharField(max_length=30)),
        migrations.AlterField("portfolioaccount", "provider", models.CharField(max_length=30)),
    ]
