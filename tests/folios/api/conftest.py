"""Who calls the API in the tests."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache import cache

from folios.tokens.models import ApiToken
from tests.folios.api.callers import Caller


@pytest.fixture(autouse=True)
def nobody_has_called_yet() -> Iterator[None]:
    """Forget how often the users of other tests have called."""
    cache.clear()
    yield
    cache.clear()


WRITING = (
    "add_executionrun", "add_researchrequest", "add_valuation", "add_reversal", "change_researchrequest",
    "add_lineresolution", "add_mappingrule", "change_portfolioaccount", "add_corporateaction",
    "change_corporateaction",
)  # fmt: skip


def user_with(name: str, *codenames: str) -> User:
    """Return a user with these permissions."""
    user = User.objects.create_user(name, password="a long password")
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return user


def token_of(user: User, name: str = "script", *, read_only: bool = False) -> str:
    """Return a token of the user."""
    made: Any = ApiToken.objects.create(user, name=name, is_read_only=read_only)
    return str(made[1])


@pytest.fixture
def user(db: None) -> User:
    """Return a user who may read everything of the books and of research, decide and execute."""
    rows = Permission.objects.filter(content_type__app_label__in=["portfolios", "execution"])
    names = [name for name in rows.values_list("codename", flat=True) if name.startswith("view_")]
    return user_with("carol", *names, *WRITING)


@pytest.fixture
def caller(user: User) -> Caller:
    """Return a program with a token of that user."""
    return Caller(token_of(user))
