"""The examples in the schema are what the API says today."""

import json

import pytest
from django.contrib.auth.models import User

from tests.api_examples import APPS, directory_of, record


@pytest.mark.django_db
def test_every_example_is_what_the_api_is_sent_and_answers():
    recorded = record(User.objects.create_superuser("carol"))
    assert set(recorded) == set(APPS)
    for app, examples in recorded.items():
        # Compared as values: PostgreSQL keeps the keys of stored JSON in another order.
        kept = {
            file.stem: json.loads(file.read_text(encoding="utf-8")) for file in directory_of(app).glob("*.json")
        }
        assert kept == examples, "run make schema"


def test_no_two_apps_give_an_example_of_one_component():
    names = [file.name for app in APPS for file in directory_of(app).glob("*.json")]
    assert len(names) == len(set(names)) > 30
