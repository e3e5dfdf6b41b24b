"""What people edit by hand keeps every version of itself; what bookkeeping writes has the ledger."""

import subprocess
import sys
from decimal import Decimal

import pytest
from django.conf import settings
from django.contrib.auth.models import User

from portfolios import ledger
from portfolios.history.models import TRACKED, sign, versions
from portfolios.ledger import AuditContext
from portfolios.models import PortfolioAccount, Strategy
from tests.scenes import NOW, Desk, line


@pytest.mark.django_db
def test_a_change_leaves_a_version_with_name_and_reason(strategy: Strategy):
    boss = User.objects.create_user("boss")
    strategy.status = "draft"
    sign(strategy, user=boss, reason="not yet")
    strategy.save()
    newest, first = versions(Strategy)
    assert (newest.status, newest.history_user, newest.history_change_reason) == ("draft", boss, "not yet")
    assert (first.status, first.history_type) == ("active", "+")


@pytest.mark.django_db
def test_what_bookkeeping_does_to_an_account_leaves_no_version(desk: Desk):
    desk.run([line("MSFT", "BUY", 10)])
    context = AuditContext(actor="bob", now=NOW, reason="statement")
    ledger.correct_cash(desk.account, balance=Decimal(5), context=context)
    assert [version.history_type for version in versions(PortfolioAccount)] == ["+"]


@pytest.mark.django_db
def test_every_tracked_model_has_versions():
    assert [versions(model).count() for model in TRACKED] == [0] * len(TRACKED)


@pytest.mark.slow
def test_the_products_commands_start_without_the_history():
    code = "import django, sys; django.setup(); print(any('simple_history' in name for name in sys.modules))"
    env = {"DJANGO_SETTINGS_MODULE": "folios.command_settings", "ENV_FILE": "/dev/null"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=settings.BASE_DIR, env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"
