"""The tool that plants faults, on a module of four lines."""

import ast
import json
from pathlib import Path

import pytest

from tests.mutants.mutations import Mutant, mutants_of, mutated
from tests.mutants.report import load_equivalents, summary
from tests.mutants.running import PROJECT, SUITES, Outcome, RedSuiteError, Suite, own_tests, suite_of, try_all

TOY = """def larger(a: int, b: int) -> int:
    return a if a > b else b
"""
TOY_TEST = """from toy import larger


def test_the_larger_of_two() -> None:
    assert larger(1, 2) == {larger}
    assert larger(2, 1) == 2
"""
SUITE = {"toy.py": Suite(("test_toy.py",))}


def changes(source: str) -> list[str]:
    return [mutant.change for mutant in mutants_of("toy.py", source)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x = a < b", ["a < b -> a <= b"]),
        ("x = a is not b", ["a is not b -> a is b"]),
        ("x = a < b <= c", ["a < b <= c -> a <= b <= c", "a < b <= c -> a < b < c"]),
        ("x = a + b", ["a + b -> a - b"]),
        ("x //= b", ["x //= b -> x *= b"]),
        ("x = a and b or c", ["a and b or c -> (a and b) and c", "a and b -> a or b"]),
        ("x = not a", ["not a -> a"]),
        ("x = -a", ["-a -> a"]),
        ("x = True", ["True -> False"]),
        ("x = 7", ["7 -> 8"]),
        ("x = 1", ["1 -> 2", "1 -> 0"]),
        ("x = min(a, b)", ["min -> max"]),
        ("x = ROUND_DOWN", ["ROUND_DOWN -> 'ROUND_UP'"]),
        ("x = 'ROUND_HALF_EVEN'", ["'ROUND_HALF_EVEN' -> 'ROUND_HALF_UP'"]),
        ("x = [a for a in b if a]", ["a -> not a"]),
        ("if a == b:\n    x = c", ["a == b -> a != b"]),
        ("if a > b:\n    x = c", ["a > b -> not a > b", "a > b -> a >= b"]),
        ("while a:\n    break", ["a -> not a", "break -> continue"]),
    ],
)
def test_a_line_has_these_mutants(source: str, expected: list[str]):
    assert sorted(changes(source)) == sorted(expected)


@pytest.mark.parametrize(
    "source",
    [
        '"""1 + 1 is more than 1."""',
        "__all__ = [a + b]",
        "x: Literal[1]",
        "def f(a: int | 1) -> 1: ...",
        "@dataclass(frozen=True)\nclass A: ...",
        "if TYPE_CHECKING:\n    x = 1",
        "x = a | b",
    ],
)
def test_what_only_describes_is_left_alone(source: str):
    assert changes(source) == []


def test_every_mutant_differs_from_the_source_in_its_own_change():
    source = (PROJECT / "portfolios/domain/accounting.py").read_text(encoding="utf-8")
    found = mutants_of("portfolios/domain/accounting.py", source)
    texts = {ast.unparse(mutated(source, mutant.number)) for mutant in found}
    assert len(texts) == len(found) > 50
    assert ast.unparse(ast.parse(source)) not in texts


def test_a_mutant_keeps_its_key_when_its_line_moves():
    (one, other), (moved, also) = mutants_of("toy.py", TOY), mutants_of("toy.py", f"# A remark.\n\n{TOY}")
    assert (one.key, other.key) == (moved.key, also.key)
    assert (one.line, moved.line, one.function) == (2, 4, "larger")


def test_equal_changes_of_equal_lines_are_told_apart():
    first, second = mutants_of("toy.py", "x = 0\nx = 0\n")
    assert (first.nth, second.nth) == (1, 2)


def world(root: Path, *, larger: int = 2) -> list[Mutant]:
    (root / "toy.py").write_text(TOY)
    (root / "test_toy.py").write_text(TOY_TEST.format(larger=larger))
    return mutants_of("toy.py", TOY)


@pytest.mark.slow
def test_a_mutant_dies_where_a_test_notices_it_and_survives_where_none_does(tmp_path: Path):
    outcomes = try_all(world(tmp_path), root=tmp_path, suites=SUITE)
    assert {outcome.mutant.change: outcome.killed for outcome in outcomes} == {
        "a > b -> not a > b": True,
        "a > b -> a >= b": False,
    }
    assert (tmp_path / "toy.py").read_text() == TOY


@pytest.mark.slow
def test_tests_that_fail_without_a_change_say_nothing_of_mutants(tmp_path: Path):
    with pytest.raises(RedSuiteError, match="test_the_larger_of_two"):
        try_all(world(tmp_path, larger=3), root=tmp_path, suites=SUITE)


def outcomes_of(*killed: bool) -> list[Outcome]:
    return [Outcome(mutant, dead) for mutant, dead in zip(mutants_of("toy.py", TOY), killed, strict=True)]


def test_the_report_names_the_survivors_and_the_figure():
    outcomes = outcomes_of(True, False)
    found = summary(outcomes, [outcome.mutant for outcome in outcomes], {})
    survivor = outcomes[1].mutant
    assert found.text == (
        f"survived: toy.py:2 in larger: return a if a > b else b\n    {survivor.change}\n"
        "1 of 2 mutants killed (0 equivalent ones apart)\n"
    )
    assert not found.is_clean


def test_a_known_equivalent_is_no_survivor():
    outcomes = outcomes_of(True, False)
    everything = [outcome.mutant for outcome in outcomes]
    found = summary(outcomes, everything, {everything[1].key: "Equal numbers are equal."})
    assert found.text == "1 of 1 mutants killed (1 equivalent ones apart)\n"
    assert found.is_clean


def test_an_equivalent_that_is_killed_or_gone_is_said():
    outcomes = outcomes_of(True, True)
    everything = [outcome.mutant for outcome in outcomes]
    gone = ("toy.py", "larger", "return a", "a -> b", 1)
    elsewhere = ("other.py", "larger", "return a", "a -> b", 1)
    found = summary(outcomes, everything, {everything[0].key: "?", gone: "?", elsewhere: "?"})
    assert "listed as equivalent, but killed: toy.py in larger: return a if a > b else b" in found.text
    assert "listed as equivalent, but not there: toy.py in larger: return a: a -> b (1)" in found.text
    assert "other.py" not in found.text
    assert not found.is_clean


def test_the_equivalents_are_mutants_of_the_code_as_it_is_each_with_its_reason():
    path = Path(__file__).parent / "equivalent.json"
    equivalents = load_equivalents(path)
    assert len(equivalents) == len(json.loads(path.read_text(encoding="utf-8")))
    assert all(reason.endswith(".") for reason in equivalents.values())
    keys = {
        mutant.key
        for module in {key[0] for key in equivalents}
        for mutant in mutants_of(module, (PROJECT / module).read_text(encoding="utf-8"))
    }
    assert set(equivalents) <= keys


def test_the_tests_of_a_module_are_those_of_the_longest_path_that_fits():
    assert suite_of("portfolios/domain/order_states.py", SUITES) == SUITES["portfolios/domain/order_states.py"]
    assert suite_of("portfolios/domain/accounting.py", SUITES) == SUITES["portfolios/domain"]
    with pytest.raises(KeyError):
        suite_of("folios/urls.py", SUITES)


def test_a_module_whose_own_tests_need_django_is_tested_with_it():
    modules = [
        path.relative_to(PROJECT).as_posix()
        for package in ("execution/engine", "portfolios/domain")
        for path in (PROJECT / package).rglob("*.py")
    ]
    pure = [module for module in modules if suite_of(module, SUITES).pure]
    left_out = {option for module in pure for option in suite_of(module, SUITES).options if "--ignore" in option}
    own = {f"--ignore={path}" for module in pure for path in own_tests(module, PROJECT)}
    assert left_out & own == set()
    assert "--ignore=tests/portfolios/domain/test_risk_limits.py" in left_out
