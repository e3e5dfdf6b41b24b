"""What the admin's pages of the books share: links, the refusals of the ledger, versions, actions that book."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString

from common.admin.base import RecordAdmin
from common.admin.columns import link_to
from common.admin.confirm import Call, ConfirmedAction, Effect, Refused
from common.admin.edit_forms import DeleteRow, EditAdmin
from common.money import plain
from portfolios.history.models import TRACKED, sign, versions
from portfolios.ledger import AuditContext, CannotBookError, lock_accounts
from portfolios.models import PortfolioAccount, Security

MOST_VERSIONS = 50  # that a history shows


class BooksColumns:
    """The two links that most tables of the books have."""

    @admin.display(description="symbol", ordering="security_id")
    def symbol(self, row: Any) -> SafeString | str:
        return link_to(Security, row.security.pk, row.security_id) if row.security_id else "–"  # noqa: RUF001  # a dash

    @admin.display(description="account", ordering="account")
    def account_link(self, row: Any) -> SafeString | str:
        return link_to(PortfolioAccount, row.account_id, str(row.account)) if row.account_id else "–"  # noqa: RUF001  # a dash


class BooksRecordAdmin(BooksColumns, RecordAdmin):
    """Records of the books."""


class BooksEditAdmin(BooksColumns, EditAdmin):
    """Rows that the books refer to or are made of. What people change keeps its versions, with name and reason."""

    refusals = (CannotBookError,)

    def context(self, request: HttpRequest, form: Any) -> AuditContext:
        """Return who changes the books, when and why."""
        reason = form.cleaned_data["reason"] or f"{self.opts.verbose_name} added in the admin"
        return AuditContext(actor=request.user.get_username(), now=timezone.now(), reason=reason)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001  # called by Django with these arguments
        """Save the row and its version, with who and why."""
        sign(obj, user=request.user, reason=form.cleaned_data["reason"])  # type: ignore[arg-type]  # nobody anonymous gets here
        super().save_model(request, obj, form, change)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Show the admin's log of the row, and its versions with what each changed."""
        found = list(_versions(self.model, unquote(object_id))) if self.model in TRACKED else []
        response: HttpResponse = super().history_view(
            request, object_id, {"versions": found, **(extra_context or {})}
        )
        return response


def _versions(model: type[Model], key: str) -> Iterator[dict[str, Any]]:
    """Yield the newest versions of a row, each with what it changed against the one before; none for no row."""
    try:
        rows = list(versions(model).filter(id=key)[: MOST_VERSIONS + 1])
    except (ValueError, ValidationError):
        return
    for row, before in list(pairwise([*rows, None]))[:MOST_VERSIONS]:
        yield {"row": row, "changes": row.diff_against(before).changes if before is not None else []}


class DeleteVersioned(DeleteRow):
    """Deletes a row that nothing refers to; its last version says who deleted it and why."""

    def preview(self, call: Call) -> Effect | Refused:
        return Effect([f"{call.rows[0]} is deleted. Its versions stay in the audit trail."])

    def perform(self, call: Call) -> str | Refused:
        """Delete the row and keep its last version, or say what refers to it."""
        sign(call.rows[0], user=call.user, reason=call.reason)
        return super().perform(call)


def context_of(call: Call) -> AuditContext:
    """Return who changes the books, when and why."""
    return AuditContext(actor=call.actor, now=call.now, reason=call.reason)


class BooksAction(ConfirmedAction):
    """An action that is one call of the ledger on one row, in a transaction of its own.

    The preview makes the very same call and rolls it back: what it shows is what the books would say.
    """

    most_rows = 1
    explanation: ClassVar[str]

    def account_id(self, row: Any) -> UUID:
        """Return the account that is locked for the call."""
        found: UUID = row.account_id
        return found

    def book(self, call: Call, account: PortfolioAccount) -> str:
        """Make the one call on the locked account, and return what was done. Raises CannotBookError."""
        raise NotImplementedError

    def preview(self, call: Call) -> Effect | Refused:
        try:
            with transaction.atomic(durable=True):
                account = self._locked(call)
                before, version = _standing(account), account.book_version
                self.book(replace(call, reason="preview"), account)
                after = _standing(account)
                transaction.set_rollback(True)
        except CannotBookError as error:
            return Refused(str(error))
        changes = [(name, before.get(name, "–"), after.get(name, "–")) for name in {**before, **after}]  # noqa: RUF001  # dashes
        return Effect(
            [self.explanation],
            ("", "Before", "After"),
            [change for change in changes if change[1] != change[2]],
            token=str(version),
        )

    def perform(self, call: Call) -> str | Refused:
        """Book it, or say why not: the books do not take it, or are not those of the preview."""
        try:
            with transaction.atomic(durable=True):
                account = self._locked(call)
                if call.token != str(account.book_version):
                    return Refused("the books have changed since the preview. Look again.")
                return self.book(call, account)
        except CannotBookError as error:
            return Refused(str(error))

    def _locked(self, call: Call) -> PortfolioAccount:
        account = lock_accounts([self.account_id(call.rows[0])])[0]
        for row in call.rows:
            row.refresh_from_db()
        return account


def _standing(account: PortfolioAccount) -> dict[str, str]:
    """Return cash and holdings as they stand, a line each."""
    lines = {"Cash": f"{account.cash_balance:,.2f}"}
    for held in account.positions.order_by("security_id", "opened_at"):
        size = f"{held.side} {plain(held.quantity)} @ {plain(held.average_price)}"
        is_open = held.status == held.Status.OPEN
        lines[f"{held.security_id} ({held.opened_at:%Y-%m-%d})"] = size if is_open else "closed"
        lines[f"{held.security_id} ({held.opened_at:%Y-%m-%d}) realized profit"] = f"{held.realized_pnl:,.2f}"
    return lines
