"""Single changes of a module's source, each of which some test should notice.

The changes are those of the textbooks: the border of a comparison, another operator, a condition turned round, a
number one higher, the other rounding. What only describes (annotations, decorators, `__all__`, imports for the type
checker) stays.
"""

import ast
import copy
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
}
_NAMES = {"min": "max", "max": "min"}
_ROUNDINGS = {
    "ROUND_DOWN": "ROUND_UP",
    "ROUND_UP": "ROUND_DOWN",
    "ROUND_FLOOR": "ROUND_CEILING",
    "ROUND_CEILING": "ROUND_FLOOR",
    "ROUND_HALF_EVEN": "ROUND_HALF_UP",
    "ROUND_HALF_UP": "ROUND_HALF_DOWN",
    "ROUND_HALF_DOWN": "ROUND_HALF_UP",
}
_SAYS_NOTHING = frozenset({"annotation", "returns", "decorator_list", "type_params"})


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one module. `number` is its place among those of this source, and moves with every edit.

    `key` stays the same when lines move: module, function ("" outside of one), line of source, change, and which of
    the equal changes of equal lines it is, from 1.
    """

    path: str
    number: int
    line: int
    function: str
    source: str
    change: str
    nth: int

    @property
    def key(self) -> tuple[str, str, str, str, int]:
        """What names the change for good."""
        return self.path, self.function, self.source, self.change, self.nth


@dataclass(frozen=True, slots=True)
class _Change:
    node: ast.expr | ast.stmt
    replacement: ast.expr | ast.stmt
    put: Callable[[ast.AST], None]
    function: str

    @property
    def words(self) -> str:
        return f"{ast.unparse(self.node)} -> {ast.unparse(self.replacement)}"


def mutants_of(path: str, source: str) -> list[Mutant]:
    """Return every mutant of the module, in the order of its source."""
    lines = source.splitlines()
    seen: Counter[tuple[str, str, str]] = Counter()
    found = []
    for number, change in enumerate(_changes(ast.parse(source), "")):
        text = lines[change.node.lineno - 1].strip()
        alike = (change.function, text, change.words)
        seen[alike] += 1
        found.append(Mutant(path, number, change.node.lineno, *alike, seen[alike]))
    return found


def mutated(source: str, number: int) -> ast.Module:
    """Return the tree of `source` with the change of that number made."""
    tree = ast.parse(source)
    change = list(_changes(tree, ""))[number]
    change.put(ast.copy_location(change.replacement, change.node))
    return ast.fix_missing_locations(tree)


def _changes(node: ast.AST, function: str) -> Iterator[_Change]:
    for name, value in ast.iter_fields(node):
        if name in _SAYS_NOTHING:
            continue
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(child, ast.AST) or _only_describes(child):
                continue
            if isinstance(child, ast.expr | ast.stmt):
                is_condition = name == "ifs" or (name == "test" and not isinstance(node, ast.Assert))
                for replacement in [*_replacements(child), *(_negated(child) if is_condition else ())]:
                    yield _Change(child, replacement, partial(_put, node, name, index), function)
            yield from _changes(child, _within(function, child))


def _put(parent: ast.AST, name: str, index: int | None, replacement: ast.AST) -> None:
    if index is None:
        setattr(parent, name, replacement)
    else:
        getattr(parent, name)[index] = replacement


def _within(function: str, node: ast.AST) -> str:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return function
    return f"{function}.{node.name}" if function else node.name


def _only_describes(node: ast.AST) -> bool:
    if isinstance(node, ast.Assign):
        return any(isinstance(target, ast.Name) and target.id == "__all__" for target in node.targets)
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def _negated(test: ast.AST) -> Iterator[ast.expr]:
    """The opposite condition, where no other change of it says the same."""
    opposites = (ast.Eq, ast.NotEq, ast.In, ast.NotIn, ast.Is, ast.IsNot)
    is_flipped = isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], opposites)
    is_not = isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
    if isinstance(test, ast.expr) and not is_flipped and not is_not:
        yield ast.UnaryOp(ast.Not(), copy.deepcopy(test))


def _replacements(node: ast.expr | ast.stmt) -> Iterator[ast.expr | ast.stmt]:
    match node:
        case ast.Compare():
            yield from _compared(node)
        case ast.BinOp() if type(node.op) in _OPERATORS:
            yield ast.BinOp(node.left, _OPERATORS[type(node.op)](), node.right)
        case ast.AugAssign() if type(node.op) in _OPERATORS:
            yield ast.AugAssign(node.target, _OPERATORS[type(node.op)](), node.value)
        case ast.BoolOp():
            yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield node.operand
        case ast.Break() | ast.Continue():
            yield ast.Continue() if isinstance(node, ast.Break) else ast.Break()
        case ast.Name() | ast.Constant():
            yield from _other_leaf(node)


def _compared(node: ast.Compare) -> Iterator[ast.expr]:
    for place, operator in enumerate(node.ops):
        ops = [*node.ops]
        ops[place] = _COMPARISONS[type(operator)]()
        yield ast.Compare(node.left, ops, node.comparators)


def _other_leaf(node: ast.Name | ast.Constant) -> Iterator[ast.expr]:
    word = node.id if isinstance(node, ast.Name) else node.value
    if isinstance(word, bool):
        yield ast.Constant(not word)
    elif isinstance(word, int):
        yield ast.Constant(word + 1)
        if word == 1:
            yield ast.Constant(0)
    elif isinstance(word, str) and word in _ROUNDINGS:
        # The decimal module's names are strings of themselves.
        yield ast.Constant(_ROUNDINGS[word])
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and word in _NAMES:
        yield ast.Name(_NAMES[word], ast.Load())
