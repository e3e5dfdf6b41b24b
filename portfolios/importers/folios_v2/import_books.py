"""Brings a folios_v2 database into the books: reads, lets the rules decide, writes in one transaction.

What is in Folios already stays as it is, a strategy as well as an account, and is reported. So a second import
changes nothing. Each account is audited after it was booked, before anything is committed.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import transaction

from portfolios import reference_data
from portfolios.importers.folios_v2.accounts import AccountPlan
from portfolios.importers.folios_v2.findings import Finding, Rule, shown
from portfolios.importers.folios_v2.orders import CLIENT_ORDER_PREFIX
from portfolios.importers.folios_v2.parse import MAX_NAME, understand
from portfolios.importers.folios_v2.plan import plan_accounts
from portfolios.importers.folios_v2.reading import PredecessorFileError, read_database
from portfolios.importers.folios_v2.types import AccountKey, Known, KnownStrategy
from portfolios.ledger import AuditContext, check_books, open_with_history
from portfolios.models import PortfolioAccount
from portfolios.selectors import books

__all__ = ["ImportReport", "PredecessorFileError", "import_database", "preview_import"]


class ImportFaultError(Exception):
    """What was booked is not what the rules decided: a fault of the product, nothing is committed."""


@dataclass(slots=True, kw_only=True)
class ImportReport:
    """What an import did: rows created by kind, every finding, and what the predecessor had executed."""

    file: str
    created: dict[str, int]
    findings: list[Finding] = field(default_factory=list)
    executed_requests: Sequence[UUID] = ()

    @property
    def findings_by_rule(self) -> dict[str, int]:
        """How many findings there are of each rule, by its name."""
        return dict(sorted(Counter(str(finding.rule) for finding in self.findings).items()))

    def as_data(self) -> dict[str, Any]:
        """Return the report as JSON-ready values."""
        return {
            "file": self.file,
            "created": self.created,
            "findings": [finding.as_data() for finding in self.findings],
            "findings_by_rule": self.findings_by_rule,
            "executed_requests": [str(request) for request in self.executed_requests],
        }


def import_database(path: Path, *, context: AuditContext) -> ImportReport:
    """Import the folios_v2 database at `path` and report what was done; everything or nothing is written.

    `context` names who imports, and the time of what has none in the file. Must not be called inside a transaction.
    Raises PredecessorFileError where the file cannot be imported, and what the database raises.
    """
    known = understand(read_database(path))
    with transaction.atomic(durable=True):
        return _Import(known, context).run()


def preview_import(path: Path, *, context: AuditContext) -> ImportReport:
    """Return what `import_database` would report now. It is done the same way, and rolled back."""
    known = understand(read_database(path))
    with transaction.atomic(durable=True):
        report = _Import(known, context).run()
        transaction.set_rollback(True)
    return report


class _Import:
    """One import on its way; wants the transaction."""

    def __init__(self, known: Known, context: AuditContext) -> None:
        self._known = known
        self._context = context
        self._names = books.strategy_names()
        self._strategies = set(self._names.values())
        kinds = ("strategies", "policies", "securities", "accounts", "orders", "positions")
        self.report = ImportReport(
            file=known.file,
            created=dict.fromkeys(kinds, 0),
            findings=list(known.findings),
            executed_requests=known.executed_requests,
        )

    def run(self) -> ImportReport:
        """Write everything that is not there yet."""
        self._write_strategies()
        self._write_accounts()
        return self.report

    def _find(self, rule: Rule, subject: str, found: str, done: str) -> None:
        self.report.findings.append(Finding(rule, subject, found, done))

    # --- strategies

    def _write_strategies(self) -> None:
        there = self._strategies & {strategy.id for strategy in self._known.strategies}
        for strategy in self._known.strategies:
            if strategy.id not in there:
                self._write_strategy(strategy)
        if there:
            self._find(
                Rule.STRATEGY_EXISTS, "strategies", f"{len(there)} are in Folios already", "left as they are"
            )

    def _write_strategy(self, strategy: KnownStrategy) -> None:
        name = self._free_name(strategy)
        reference_data.ensure_strategy(
            strategy_id=strategy.id, name=name, description=strategy.description, status=strategy.status
        )
        self._names[name] = strategy.id
        self._strategies.add(strategy.id)
        self.report.created["strategies"] += 1
        if strategy.limits is not None:
            reference_data.ensure_risk_policy(strategy_id=strategy.id, version=1, limits=strategy.limits)
            self.report.created["policies"] += 1

    def _free_name(self, strategy: KnownStrategy) -> str:
        """The strategy's name, with as much of its id as makes it the only one."""
        name = strategy.name
        for length in (8, 36):
            if name not in self._names:
                break
            suffix = f" ({str(strategy.id)[:length]})"
            name = strategy.name[: MAX_NAME - len(suffix)] + suffix
        if name != strategy.name:
            found = f"another strategy has the name {shown(strategy.name)}"
            self._find(Rule.NAME_CHANGED, f"strategy {strategy.id}", found, f"imported as {shown(name, limit=90)}")
        return name

    def _ensure_strategy_of(self, key: AccountKey) -> None:
        if key.strategy_id in self._strategies:
            return
        found = f"strategy {key.strategy_id} is not in the file"
        self._find(Rule.STRATEGY_MISSING, str(key), found, "written without a name of its own, inactive")
        stand_in = KnownStrategy(
            id=key.strategy_id,
            name=f"Strategy {key.strategy_id}",
            description="",
            status="inactive",
            limits=None,
        )
        self._write_strategy(stand_in)

    # --- accounts

    def _write_accounts(self) -> None:
        there = books.accounts_by_key()
        used = books.used_client_order_ids(CLIENT_ORDER_PREFIX)
        planned = plan_accounts(self._known, now=self._context.now)
        wanted: list[AccountPlan] = []
        for plan in planned:
            existing = there.get((plan.key.strategy_id, plan.key.provider))
            if existing is not None:
                self._leave(plan.key, existing, plan, used)
            elif not isinstance(plan, AccountPlan):
                self.report.findings += plan.findings
            elif self._is_new(plan, used, set(there.values())):
                wanted.append(plan)
        self._write_securities(wanted)
        for plan in wanted:
            self._write_account(plan)

    def _leave(self, key: AccountKey, existing: UUID, plan: object, used: frozenset[str]) -> None:
        """Say why an account that is there stays as it is."""
        if not isinstance(plan, AccountPlan) or plan.account_id != existing:
            self._find(Rule.ACCOUNT_EXISTS, str(key), f"Folios has account {existing} for it", "left as it is")
            return
        new = sum(order.client_order_id not in used for order in plan.orders)
        found = f"imported before; {new} orders of the file are not in Folios"
        self._find(Rule.IMPORTED_BEFORE, str(key), found, "left as it is")

    def _is_new(self, plan: AccountPlan, used: frozenset[str], accounts: set[UUID]) -> bool:
        """Whether nothing of the account is in the books under another key."""
        taken = [order.client_order_id for order in plan.orders if order.client_order_id in used]
        if not taken and plan.account_id not in accounts:
            return True
        found = f"{len(taken)} of its orders, or the account itself, are in Folios for another account"
        self._find(Rule.ACCOUNT_LEFT_OUT, str(plan.key), found, "not imported")
        return False

    def _write_securities(self, plans: Sequence[AccountPlan]) -> None:
        symbols = {order.symbol for plan in plans for order in plan.orders}
        symbols |= {symbol for plan in plans for symbol in plan.holdings}
        known = books.securities(symbols)
        reference_data.ensure_securities(symbols, known=known)
        self.report.created["securities"] += len(symbols) - len(known)

    def _write_account(self, plan: AccountPlan) -> None:
        self._ensure_strategy_of(plan.key)
        account = open_with_history(
            account_id=plan.account_id,
            strategy_id=plan.key.strategy_id,
            provider=plan.key.provider,
            events=plan.events,
            unfilled=plan.unfilled,
            context=AuditContext(actor=self._context.actor, now=plan.as_of),
        )
        _require_as_planned(account, plan)
        self.report.findings += plan.findings
        self.report.created["accounts"] += 1
        self.report.created["orders"] += len(plan.orders)
        self.report.created["positions"] += account.positions.count()


def _require_as_planned(account: PortfolioAccount, plan: AccountPlan) -> None:
    stored = PortfolioAccount.objects.get(pk=account.pk)
    discrepancies = check_books(stored)
    if discrepancies:
        raise ImportFaultError(f"{plan.key}: {discrepancies[0]}")
    held = {position.security_id: position.as_holding() for position in books.open_positions(stored)}
    if stored.cash_balance != plan.cash or {symbol: _size(each) for symbol, each in held.items()} != {
        symbol: _size(each) for symbol, each in plan.holdings.items()
    }:
        raise ImportFaultError(f"{plan.key}: booked {stored.cash_balance} and {held}, planned {plan}")


def _size(holding: Any) -> tuple[object, ...]:
    return holding.side, holding.quantity, holding.average_price, holding.cost_basis
