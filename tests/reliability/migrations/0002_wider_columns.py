from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("portfolios", "0001_initial")]
    operations = [
        migrations.AlterField("ledgerentry", "actor", models.CharField(max_length=300)),
        migrations.AlterField("position", "side", models.CharField(max_length=30)),
        migrations.AlterField("order", "action", models.CharField(max_length=30)),
        migrations.AlterField("portfolioaccount", "provider", models.CharField(max_length=30)),
    ]
