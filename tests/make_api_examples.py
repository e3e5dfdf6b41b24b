"""Writes the examples of the API's schema: `python -m tests.make_api_examples`, as `make schema` does."""

import json
import os

import django


def main() -> None:
    """Record every example anew and write its file; files of examples that are no more go."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    django.setup()
    # What follows knows models, which are not ready before.
    from django.contrib.auth.models import User  # noqa: PLC0415
    from django.test.utils import setup_databases, setup_test_environment, teardown_databases  # noqa: PLC0415

    from tests.api_examples import directory_of, record  # noqa: PLC0415

    setup_test_environment()
    databases = setup_databases(verbosity=0, interactive=False)
    try:
        recorded = record(User.objects.create_superuser("carol"))
    finally:
        teardown_databases(databases, verbosity=0)
    for app, examples in recorded.items():
        directory = directory_of(app)
        directory.mkdir(exist_ok=True)
        for file in directory.glob("*.json"):
            file.unlink()
        for name, example in examples.items():
            text = json.dumps(example, indent=2, ensure_ascii=False) + "\n"
            (directory / f"{name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
