"""The names in PRICE_SOURCES and what stands behind them, also where it is somebody else's."""

import ast
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as given_settings
from django.core.checks import run_checks
from django.core.management import call_command
from django.core.management.base import CommandError

from execution.engine.vocabulary import Code, Refusal
from execution.prices import PriceChain, build_chain, price_settings
from execution.prices.source import Missing, Offer, SourceContext
from portfolios.models import Order, Price
from tests.folios.test_settings import in_a_process
from tests.scenes import NOW, Desk, line

THIRD_PARTY = Path(__file__).parent / "third_party"
KO = frozenset({"KO"})


class NoClassMethod:
    """Forgets the decorator."""

    def from_options(self, _: SourceContext) -> "NoClassMethod":
        return self


class NoContext:
    """Takes no context."""

    @classmethod
    def from_options(cls, *, url: str = "") -> "NoContext":
        assert url
        return cls()


class NoQuestion:
    """Cannot be asked."""

    @classmethod
    def from_options(cls, _: SourceContext) -> "NoQuestion":
        return cls()


class NoSymbols(NoQuestion):
    """Is asked for nothing in particular."""

    def ask(self) -> Mapping[str, Offer | Missing]:
        return {}


class Demanding:
    """Wants an option, and takes whatever its `name` is from its options."""

    def __init__(self, name: object) -> None:
        if name is not None:
            self.name = name

    @classmethod
    def from_options(cls, _: SourceContext, *, name: object) -> "Demanding":
        return cls(name)

    def ask(self, symbols: frozenset[str]) -> Mapping[str, Offer | Missing]:
        return {symbol: Offer(Decimal(7), "USD", NOW, "demanding") for symbol in symbols}


class Tolerant(Demanding):
    """Takes every option."""

    @classmethod
    def from_options(cls, _: SourceContext, **options: object) -> "Tolerant":
        return cls(f"tolerant of {len(options)}")


def here(name: str) -> str:
    """Return the dotted path of a class of this module."""
    return f"{__name__}.{name}"


def chain_of(*sources: str, **backends: object) -> PriceChain | Refusal:
    """Return the chain of some sources, with some backends beside the product's own."""
    configured = price_settings()
    given = replace(configured, sources=sources, backends={**configured.backends, **backends})
    return build_chain(configured=given, given={}, from_file={}, default_price=None, now=NOW)


def refused(*sources: str, **backends: object) -> str:
    """Return the message of a refusal, which is about an option."""
    chain = chain_of(*sources, **backends)
    assert isinstance(chain, Refusal)
    assert chain.code == Code.BAD_OPTION
    return chain.message


def names_of(chain: PriceChain | Refusal) -> list[str]:
    """Return the names of the configured sources in a chain."""
    assert isinstance(chain, PriceChain), chain
    return [source.name for source in chain.sources][2:]


# A source of somebody else


@pytest.fixture
def on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the third party's package on the Python path."""
    monkeypatch.syspath_prepend(THIRD_PARTY)


def printed(desk: Desk, request: str, *options: str) -> dict[str, Any]:
    """Return what the published command prints."""
    out = StringIO()
    call = ("execute_recommendations", request, str(desk.strategy.pk), *options, "--format", "json")
    call_command(*call, stdout=out)
    report: dict[str, Any] = json.loads(out.getvalue())
    return report


@pytest.mark.django_db
@pytest.mark.usefixtures("on_the_path")
def test_a_third_partys_source_is_named_by_its_path_and_prices_a_run(desk: Desk, settings: Any):
    settings.PRICE_SOURCES, settings.ARTIFACTS_ROOT = ["database", "acme_prices.Source"], desk.inbox.root
    request = desk.inbox.put([line("MSFT", "BUY", 10), line("PEP", "BUY", 10)])
    planned = printed(desk, request, "--dry-run")
    assert [(order["symbol"], order["limit_price"]) for order in planned["orders"]] == [("MSFT", "400.00")]
    assert [decision["codes"] for decision in planned["decisions"]] == [["SECTOR_UNVERIFIED"], ["NO_PRICE"]]
    assert not planned["run"]["simulated"]
    assert not Order.objects.exists()
    printed(desk, request)
    assert [(row.security_id, row.price, row.source) for row in Price.objects.all()] == [("MSFT", 400, "acme")]


@pytest.mark.django_db
@pytest.mark.usefixtures("on_the_path")
def test_what_it_says_of_a_symbol_and_its_own_refusal_reach_the_caller(desk: Desk, settings: Any):
    backend = {"BACKEND": "acme_prices.Source", "OPTIONS": {"currency": "EUR"}}
    chain = chain_of("acme", acme=backend)
    assert isinstance(chain, PriceChain)
    assert chain.ask(frozenset({"KO", "PEP"})).reasons == {
        "KO": "acme: currency is 'EUR', the books are in USD",
        "PEP": "acme: not one of Acme's companies",
    }
    settings.PRICE_SOURCES, settings.ARTIFACTS_ROOT = ["acme"], desk.inbox.root
    settings.PRICE_BACKENDS = {"acme": {**backend, "OPTIONS": {"currency": "GBP"}}}
    request = desk.inbox.put([line("KO", "BUY", 10)])
    says = "PRICE_SOURCES names 'acme': currency is 'GBP': Acme quotes in USD and EUR"
    with pytest.raises(CommandError, match=says):
        printed(desk, request)


def asked_in_a_process(**environment: str) -> Any:
    """Ask the configured sources for a price of KO, with nothing but an environment to configure them."""
    code = """
import django
django.setup()
from datetime import UTC, datetime
from execution.management.options import prices_of
chain = prices_of({"price": [], "prices": None, "default_price": None}, now=datetime.now(UTC))
answer = chain.ask(frozenset({"KO"}))
print([f"{quote.price:f} {quote.source}" for quote in answer.quotes.values()], answer.reasons, sep=", ")
"""
    path = os.pathsep.join([str(given_settings.BASE_DIR), str(THIRD_PARTY)])
    done = in_a_process(code, DJANGO_SETTINGS_MODULE="folios.command_settings", PYTHONPATH=path, **environment)
    assert done.returncode == 0, done.stderr
    return ast.literal_eval(done.stdout)


@pytest.mark.slow
def test_the_environment_alone_configures_it():
    assert asked_in_a_process(PRICE_SOURCES="acme_prices.Source") == (["50.0000 acme"], {})


@pytest.mark.slow
@pytest.mark.parametrize("quoted", [False, True])
def test_its_options_come_from_the_environment_too(tmp_path: Path, quoted: bool):
    backends = json.dumps({"acme": {"BACKEND": "acme_prices.Source", "OPTIONS": {"currency": "EUR"}}})
    in_file = tmp_path / "environment"
    in_file.write_text(f"PRICE_SOURCES=acme,simulation\nPRICE_BACKENDS={repr(backends) if quoted else backends}\n")
    price, reasons = asked_in_a_process(ENV_FILE=str(in_file))
    assert (price, list(reasons)) == ([], ["KO"])
    assert reasons["KO"].startswith("acme: currency is 'EUR'")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"acme": ', "PRICE_BACKENDS is not JSON: Expecting value: line 1 column 10"),
        ("[]", "PRICE_BACKENDS is not a JSON object of the form {name: {BACKEND, OPTIONS}}"),
    ],
)
def test_other_text_in_the_variable_stops_every_command_and_is_not_shown(text: str, says: str):
    done = in_a_process("import folios.settings", PRICE_BACKENDS=text)
    assert says in done.stderr
    assert "acme" not in done.stderr


def test_the_source_that_the_readme_shows_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    readme = (given_settings.BASE_DIR / "README.md").read_text()
    (block,) = [text for text in readme.split("```") if text.startswith("python\n") and "class Source:" in text]
    (tmp_path / "readme_prices.py").write_text(block.removeprefix("python\n"))
    monkeypatch.syspath_prepend(tmp_path)
    now = datetime.now(UTC)
    configured = replace(price_settings(), sources=("readme_prices.Source",))
    chain = build_chain(configured=configured, given={}, from_file={}, default_price=None, now=now)
    assert isinstance(chain, PriceChain)
    answer = chain.ask(frozenset({"KO", "PEP"}))
    assert [(quote.price, quote.source) for quote in answer.quotes.values()] == [(Decimal("69.80"), "acme")]
    assert answer.reasons == {"PEP": "acme: not listed"}


# Names, paths, classes, options


def test_the_short_names_stand_for_the_products_own_sources(tmp_path: Path):
    file = tmp_path / "prices.csv"
    file.write_text("symbol,price\nKO,60\n")
    closes = {"BACKEND": "execution.prices.sources.file.FileSource", "OPTIONS": {"path": str(file)}}
    assert names_of(chain_of("simulation", "file", "database", "yahoo", file=closes)) == [
        "simulation", "file", "database", "yahoo",
    ]  # fmt: skip


def test_a_class_may_be_named_by_its_path_and_one_class_may_stand_behind_several_names():
    first, second = ({"BACKEND": here("Demanding"), "OPTIONS": {"name": name}} for name in ("first", "second"))
    constant = "execution.prices.sources.constant.ConstantSource"
    assert names_of(chain_of("b", constant, "a", a=first, b=second)) == ["second", "simulation", "first"]


def test_a_backend_of_the_settings_replaces_the_products_own_of_that_name():
    assert names_of(chain_of("yahoo", yahoo={"BACKEND": here("Demanding"), "OPTIONS": {"name": "proxy"}})) == [
        "proxy"
    ]


def test_a_class_that_takes_every_option_gets_every_option():
    assert names_of(chain_of("x", x={"BACKEND": here("Tolerant"), "OPTIONS": {"a": 1, "b": 2}})) == [
        "tolerant of 2"
    ]


def test_the_call_that_names_a_default_price_gives_it_to_every_source_that_wants_one():
    configured = replace(price_settings(), sources=("execution.prices.sources.constant.ConstantSource",))
    chain = build_chain(configured=configured, given={}, from_file={}, default_price=Decimal(60), now=NOW)
    assert isinstance(chain, PriceChain)
    assert {quote.price for quote in chain.ask(KO).quotes.values()} == {Decimal(60)}


def entry(class_name: str, /, **options: object) -> dict[str, object]:
    """Return an entry of PRICE_BACKENDS for a class of this module."""
    return {"BACKEND": here(class_name), "OPTIONS": options}


BACKEND = "PRICE_SOURCES names 'x': its BACKEND '{}' in PRICE_BACKENDS "
WRONG: list[tuple[str, object, str]] = [
    ("acme", None, "not one of simulation, file, database, yahoo, alpaca, x, nor the dotted path of a class"),
    ("..", None, "PRICE_SOURCES names '..': not one of"),
    ("../prices.py", None, "PRICE_SOURCES names '../prices.py': not one of"),
    ("nowhere.Source", None, "PRICE_SOURCES names 'nowhere.Source': it cannot be imported: ModuleNotFound"),
    (here("Nobody"), None, f"PRICE_SOURCES names '{here('Nobody')}': it cannot be imported: ImportError: Module"),
    (here("NOW"), None, "it is no price source: it is not a class"),
    (here("Path"), None, "it is no price source: it has no class method from_options"),
    (here("NoClassMethod"), None, "it is no price source: it has no class method from_options that takes"),
    (here("NoContext"), None, "it is no price source: it has no class method from_options that takes a context"),
    (here("NoQuestion"), None, "it is no price source: it has no method ask that takes symbols"),
    (here("NoSymbols"), None, "it is no price source: it has no method ask that takes symbols"),
    (here("Demanding"), None, "it wants the option 'name' in PRICE_BACKENDS"),
    ("x", {"BACKEND": "nowhere.Source"}, BACKEND.format("nowhere.Source") + "cannot be imported: ModuleNot"),
    ("x", {"BACKEND": ""}, BACKEND.format("") + "cannot be imported: "),
    ("x", entry("NOW"), BACKEND.format(here("NOW")) + "is no price source: it is not a class"),
    ("x", entry("Demanding"), BACKEND.format(here("Demanding")) + "wants the option 'name' in PRICE_BACKENDS"),
    ("x", entry("Demanding", name="x", key="s3cret"),
     BACKEND.format(here("Demanding")) + "is given the option 'key': not one of name"),
    ("x", {"BACKEND": "execution.prices.sources.database.DatabaseSource", "OPTIONS": {"days": 3}},
     "is given the option 'days': not an option: it takes none"),
    ("x", "s3cret", "its entry in PRICE_BACKENDS is not of the form {BACKEND: path, OPTIONS: {name: value}}"),
    ("x", {"OPTIONS": {"key": "s3cret"}}, "its entry in PRICE_BACKENDS has no BACKEND, the dotted path of a class"),
    ("x", {"BACKEND": "a.B", "OPTION": {}},
     "its entry in PRICE_BACKENDS holds 'OPTION': not one of BACKEND, OPTIONS"),
    ("x", {"BACKEND": "a.B", "OPTIONS": ["s3cret"]}, "its OPTIONS in PRICE_BACKENDS are not of the form {name: "),
    ("x", {"BACKEND": "a.B", "OPTIONS": {7: "s3cret"}}, "its OPTIONS in PRICE_BACKENDS are not of the form"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "backend", "says"), WRONG)
def test_a_wrong_name_class_or_option_is_refused_by_setting_value_and_rule(name: str, backend: object, says: str):
    message = refused("simulation", name, x=backend)
    assert says in message
    assert message.startswith(f"PRICE_SOURCES names {name!r}: ")
    assert message.isprintable()
    assert "s3cret" not in message


@pytest.mark.parametrize(("name", "backend", "says"), WRONG)
def test_the_system_check_says_the_same(name: str, backend: object, says: str, settings: Any):
    settings.PRICE_SOURCES, settings.PRICE_BACKENDS = [name], {**settings.PRICE_BACKENDS, "x": backend}
    assert [(found.id, says in found.msg) for found in run_checks()] == [("prices.E001", True)]


def test_the_system_check_asks_for_no_key_and_no_file(settings: Any):
    settings.PRICE_SOURCES = ["simulation", "file", "database", "yahoo", "alpaca"]
    assert run_checks() == []


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (None, "its class made a Demanding, which is no price source: it has no name"),
        ("", "the name of its source is '': not a text of 1 to 32 characters"),
        ("x" * 33, "not a text of 1 to 32 characters"),
        (7, "the name of its source is '7': not a text of 1 to 32 characters"),
    ],
)
def test_what_a_class_makes_has_a_name_that_the_books_can_store(name: object, says: str):
    assert says in refused("x", x=entry("Demanding", name=name))
    assert names_of(chain_of("x", x=entry("Demanding", name="x" * 32))) == ["x" * 32]


@pytest.mark.parametrize("fault", ["1 / 0", "raise RuntimeError('no licence\\n\\x1b[31m')", "def"])
def test_a_module_that_cannot_be_run_is_one_line_for_the_caller(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "broken_prices.py").write_text(f"{fault}\n")
    monkeypatch.syspath_prepend(tmp_path)
    message = refused("broken_prices.Source")
    assert message.startswith("PRICE_SOURCES names 'broken_prices.Source': it cannot be imported: ")
    assert message.isprintable()


def test_a_source_is_made_for_the_time_of_the_call_with_the_configured_timeout():
    seen: list[SourceContext] = []

    class Curious(Demanding):
        @classmethod
        def from_options(cls, context: SourceContext, *, name: object) -> "Curious":
            seen.append(context)
            return cls(name)

    globals()["Curious"] = Curious
    configured = price_settings()
    names_of(chain_of("x", x=entry("Curious", name="curious")))
    assert seen == [SourceContext(now=NOW, default_price=Decimal(100), timeout=configured.timeout)]
    assert isinstance(seen[0].now, datetime)
