"""Only the ledger writes the tables of the books; reference data and trading states write their own rows.

Read from the source: every call that may write through the ORM is found with the model it writes, and statements in
SQL by their words. What the walk cannot tell apart stands in a table, with what it is.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings

ROOTS = ("common", "execution", "folios", "portfolios")
WRITES = {
    "save", "delete", "create", "update", "get_or_create", "update_or_create", "bulk_create", "bulk_update",
    "asave", "adelete", "acreate", "aupdate", "aget_or_create", "aupdate_or_create", "abulk_create", "abulk_update",
}  # fmt: skip
MODELS = {model.__name__: model._meta.app_label for model in apps.get_models()}
BOOKS = {name for name, app in MODELS.items() if app == "portfolios"}

# Who may write which tables of the books.
WRITERS = {
    "portfolios/ledger/": BOOKS,
    "portfolios/reference_data.py": {"Strategy", "RiskPolicy", "Security", "Price"},
    "portfolios/trading_states.py": {"PortfolioAccount", "TradingStateChange"},
    "portfolios/admin/": {"RiskPolicy"},  # the next version of a policy, as a person types it
}
# Rows of a model that only the running program knows. The triggers stand behind them.
BY_HAND = {
    "common/admin/edit_forms.py": "rows that people delete in the admin, where the ledger knows nothing of them",
}
SQL = re.compile(r"\s*(INSERT\s+INTO|UPDATE\s+\S+\s+SET|DELETE\s+FROM)\b", re.IGNORECASE)


class Walk(ast.NodeVisitor):
    """Finds the writes of one module: the model's name, or "?" where it cannot be told."""

    def __init__(self) -> None:
        self.writes: list[tuple[str, int]] = []
        self._names: list[dict[str, str]] = [{}]

    def visit_Module(self, node: ast.Module) -> None:
        made = [
            (each.name, self._annotated(each.returns)) for each in node.body if isinstance(each, ast.FunctionDef)
        ]
        self._names[0] |= {name: model for name, model in made if model}
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        known = {each.arg: self._annotated(each.annotation) for each in arguments}
        self._names.append({name: model for name, model in known.items() if model})
        self.generic_visit(node)
        self._names.pop()

    def visit_Assign(self, node: ast.Assign) -> None:
        self.generic_visit(node)
        for target in node.targets:
            self._remember(target, node.value)

    def visit_For(self, node: ast.For) -> None:
        self._remember(node.target, node.iter)
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        self._remember(node.target, node.iter)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute) and node.func.attr in WRITES:
            model = self._model(node.func.value)
            # What has `update` and is no query of ours is a dictionary.
            if model or node.func.attr != "update":
                self.writes.append((model or "?", node.lineno))

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and SQL.match(node.value):
            self.writes.append(("SQL", node.lineno))

    def _remember(self, target: ast.expr, value: ast.expr) -> None:
        model = self._model(value)
        for name in ast.walk(target):
            if isinstance(name, ast.Name) and model:
                self._names[-1][name.id] = model

    def _model(self, node: ast.expr) -> str | None:
        """Return the model that an expression starts from: its class, its manager, a query or a row of it."""
        if isinstance(node, ast.Name):
            found = next((names[node.id] for names in reversed(self._names) if node.id in names), None)
            return found or (node.id if node.id in MODELS else None)
        if isinstance(node, ast.Call):
            start = self._model(node.func)
            return start or (self._model(node.args[0]) if node.args and isinstance(node.func, ast.Name) else None)
        if isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
            return self._model(node.value)
        return None

    def _annotated(self, node: ast.expr | None) -> str | None:
        names = [each.id for each in ast.walk(node) if isinstance(each, ast.Name)] if node else []
        return next((name for name in names if name in MODELS), None)


def writes_in(source: str) -> list[tuple[str, int]]:
    """Return the writes of a module's source, with their lines."""
    walk = Walk()
    walk.visit(ast.parse(source))
    return walk.writes


def modules() -> Iterator[tuple[str, str]]:
    """Yield the path and the source of every module of the product."""
    base = Path(settings.BASE_DIR)
    for root in ROOTS:
        for path in sorted((base / root).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path.relative_to(base).as_posix(), path.read_text()


def may_write(path: str, model: str) -> bool:
    """Whether a module may write a table."""
    if model == "?":
        return path in BY_HAND or path.startswith("portfolios/ledger/")
    if model == "SQL":
        return False
    return model not in BOOKS or any(path.startswith(room) and model in own for room, own in WRITERS.items())


def test_nobody_else_writes_the_books():
    found = [(path, line, model) for path, source in modules() for model, line in writes_in(source)]
    assert [each for each in found if not may_write(each[0], each[2])] == []
    written = {model for path, _, model in found if path.startswith("portfolios/")}
    assert written >= BOOKS, "a table that nobody writes is one that the walk does not see"


def test_every_exception_is_still_one():
    unknown = {path for path, source in modules() for model, _ in writes_in(source) if model == "?"}
    assert {path for path in unknown if not path.startswith("portfolios/ledger/")} == set(BY_HAND)


@pytest.mark.parametrize(
    ("code", "model"),
    [
        ("LedgerEntry.objects.create(amount=1)", "LedgerEntry"),
        ("PortfolioAccount.objects.filter(pk=1).update(cash_balance=5)", "PortfolioAccount"),
        ("Position(quantity=1).save()", "Position"),
        ("rows = Order.objects.all()\nrows.delete()", "Order"),
        ("for row in Order.objects.all():\n    row.save()", "Order"),
        ("def f(order: Order):\n    order.save()", "Order"),
        ("def f(account: PortfolioAccount | None):\n    account.save()", "PortfolioAccount"),
        ("def f(rows: list[Valuation]):\n    Valuation.objects.bulk_create(rows)", "Valuation"),
        ("list(Position.objects.all())[0].delete()", "Position"),
        ("def lock() -> PortfolioAccount: ...\naccount = lock()\naccount.save()", "PortfolioAccount"),
        ("account = lock()\naccount.save()", "?"),
        ("cursor.execute('UPDATE portfolios_position SET quantity = 1')", "SQL"),
    ],
)
def test_the_walk_sees_a_planted_write(code: str, model: str):
    assert [found for found, _ in writes_in(code)] == [model]
    assert not may_write("execution/runs/execute.py", model)


@pytest.mark.parametrize(
    "code", ["{}.update(a=1)", "rows = Order.objects.filter(pk=1)\nlist(rows)", "# Order.objects.create()"]
)
def test_the_walk_does_not_see_what_is_no_write(code: str):
    assert writes_in(code) == []
