"""The attribute is called `source`; its column keeps the name `door`, so that the database is left as it is.

The column's name comes first: with it the renaming moves nothing, and no trigger or constraint is touched.
"""

from django.db import migrations, models

_SOURCES = [
    ("command", "Command"),
    ("admin", "Admin"),
    ("dashboard", "Dashboard"),
    ("api", "API"),
    ("worker", "Worker"),
    ("service", "Python call"),
]


def _column() -> "models.CharField[str, str]":
    return models.CharField(choices=_SOURCES, db_column="door", max_length=16)


class Migration(migrations.Migration):
    dependencies = [("execution", "0005_lists_by_time")]

    operations = [
        migrations.AlterField(model_name="executionrun", name="door", field=_column()),
        migrations.RenameField(model_name="executionrun", old_name="door", new_name="source"),
        migrations.AlterField(model_name="reversal", name="door", field=_column()),
        migrations.RenameField(model_name="reversal", old_name="door", new_name="source"),
    ]
