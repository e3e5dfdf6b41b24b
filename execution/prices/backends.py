"""From the names in PRICE_SOURCES to the sources that they mean, as Django does it for CACHES and STORAGES.

A name is one of PRICE_BACKENDS, whose entry gives the dotted path of a class (BACKEND) and its options (OPTIONS).
Or it is such a path itself, and the class gets no options. What a class needs is said at `PriceSource`.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage
from django.core.checks import Error as CheckError
from django.core.checks import Warning as CheckWarning
from django.utils.module_loading import import_string

from common.text import counted, one_line
from execution.engine.vocabulary import Code, Refusal
from execution.prices.ages import DEFAULT_MAX_AGE, FORMER_DEFAULT, parse_max_age
from execution.prices.source import PriceSource, SourceContext, reason_line

MAX_NAME = 32  # characters: what the books store of where a price came from

_ENTRY_KEYS = ("BACKEND", "OPTIONS")
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceSettings:
    """What the settings say about prices. `timeout` is in seconds and for all attempts of one source, `max_age` in
    sessions of the exchange, None for any age; a Refusal where the setting cannot be read.

    The backends are left out of the value's text, for logs and error pages: there are keys in their options.
    """

    sources: tuple[str, ...]
    backends: Mapping[str, object] = field(repr=False)
    default_price: Decimal
    max_age: int | Refusal | None
    timeout: float


@dataclass(frozen=True, slots=True)
class Backend:
    """A class of sources and the options that it takes from the settings."""

    source_class: Any  # a class with a class method `from_options`, see PriceSource
    options: Mapping[str, object] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A dotted path with its options. `subject` stands for the path in messages."""

    path: str
    options: Mapping[str, object]
    subject: str


def price_settings() -> PriceSettings:
    """Return what the settings say now."""
    return PriceSettings(
        sources=tuple(settings.PRICE_SOURCES),
        backends=settings.PRICE_BACKENDS,
        default_price=settings.DEFAULT_PRICE,
        max_age=parse_max_age(settings.PRICE_MAX_AGE),
        timeout=settings.PRICE_TIMEOUT,
    )


def build_sources(
    configured: PriceSettings, *, default_price: Decimal | None, now: datetime
) -> tuple[PriceSource, ...] | Refusal:
    """Return the configured sources in their order, or why one of them cannot work.

    `default_price` is the one that the call named; without it, the configured one is the default.
    """
    price = configured.default_price if default_price is None else default_price
    context = SourceContext(now=now, default_price=price, timeout=configured.timeout)
    sources: list[PriceSource] = []
    for name in configured.sources:
        source = _build(name, backends=configured.backends, context=context)
        if isinstance(source, Refusal):
            return _named(name, source)
        sources.append(source)
    return tuple(sources)


def find_backend(name: str, *, backends: Mapping[str, object]) -> Backend | Refusal:
    """Return the class and the options behind a name in PRICE_SOURCES, or the first rule that they break."""
    entry = _find_entry(name, backends=backends)
    if isinstance(entry, Refusal):
        return entry
    try:
        found = import_string(entry.path)
    except Exception as error:  # noqa: BLE001  # a module of somebody else may fail in any way
        return _bad(f"{entry.subject} cannot be imported: {reason_line(type(error).__name__, str(error))}")
    broken = _broken_rule(found)
    if broken is not None:
        return _bad(f"{entry.subject} is no price source: {broken}")
    return _options_refusal(found, entry) or Backend(found, entry.options)


def check_backends(**_: Any) -> list[CheckMessage]:
    """Name each price source whose name, class or options are wrong, and an age that cannot be read.

    Whether a source can work now, its call says.
    """
    configured = price_settings()
    found = {name: find_backend(name, backends=configured.backends) for name in configured.sources}
    of_sources = [
        CheckError(f"{_named(name, backend).message}.", id="prices.E001")
        for name, backend in found.items()
        if isinstance(backend, Refusal)
    ]
    return [*_check_age(configured.max_age), *of_sources]


def _check_age(age: int | Refusal | None) -> Iterator[CheckMessage]:
    """Name an age that cannot be read. A bare number may be from the time of hours: how it is read is said."""
    written = str(settings.PRICE_MAX_AGE).strip()
    if isinstance(age, Refusal):
        yield CheckError(f"{age.message}.", id="prices.E002")
    elif written == FORMER_DEFAULT:
        now = counted(DEFAULT_MAX_AGE, "session")
        message = (
            f"PRICE_MAX_AGE is {written}, the former default in hours: it is read as the default of now, {now}."
        )
        yield CheckWarning(message, hint=f"Write PRICE_MAX_AGE={now}, or take the line out.", id="prices.W002")
    elif written.isdecimal():
        hint = f"Write PRICE_MAX_AGE={written} sessions where that is meant."
        message = f"PRICE_MAX_AGE is {written}: sessions of the stock exchange, no longer hours."
        yield CheckWarning(message, hint=hint, id="prices.W001")


def _build(name: str, *, backends: Mapping[str, object], context: SourceContext) -> PriceSource | Refusal:
    backend = find_backend(name, backends=backends)
    if isinstance(backend, Refusal):
        return backend
    source: object = backend.source_class.from_options(context, **backend.options)
    if isinstance(source, Refusal):
        return source
    if not isinstance(source, PriceSource):
        return _bad(f"its class made a {type(source).__name__}, which is no price source: it has no name")
    name_given: object = source.name
    if not isinstance(name_given, str) or not 0 < len(name_given) <= MAX_NAME:
        return _bad(f"the name of its source is {one_line(name_given)}: not a text of 1 to {MAX_NAME} characters")
    return source


def _find_entry(name: str, *, backends: Mapping[str, object]) -> _Entry | Refusal:
    if name in backends:
        return _parse_entry(backends[name])
    if all(part.isidentifier() for part in name.split(".")) and "." in name:
        return _Entry(name, {}, "it")
    return _bad(f"not one of {', '.join(backends)}, nor the dotted path of a class")


def _parse_entry(entry: object) -> _Entry | Refusal:
    """Check the form of an entry. No value of it is ever shown but the path: an option may be a secret."""
    if not isinstance(entry, Mapping):
        return _bad("its entry in PRICE_BACKENDS is not of the form {BACKEND: path, OPTIONS: {name: value}}")
    unknown = [key for key in entry if key not in _ENTRY_KEYS]
    if unknown:
        return _bad(
            f"its entry in PRICE_BACKENDS holds {one_line(unknown[0])}: not one of {', '.join(_ENTRY_KEYS)}"
        )
    path, options = entry.get("BACKEND"), entry.get("OPTIONS", {})
    if not isinstance(path, str):
        return _bad("its entry in PRICE_BACKENDS has no BACKEND, the dotted path of a class")
    if not isinstance(options, Mapping) or not all(isinstance(option, str) for option in options):
        return _bad("its OPTIONS in PRICE_BACKENDS are not of the form {name: value}")
    return _Entry(path, options, f"its BACKEND {one_line(path)} in PRICE_BACKENDS")


def _broken_rule(found: object) -> str | None:
    if not isinstance(found, type):
        return "it is not a class"
    make, ask = getattr(found, "from_options", None), getattr(found, "ask", None)
    if not inspect.ismethod(make) or not _fits(inspect.signature(make).bind_partial, None):
        return "it has no class method from_options that takes a context"
    if not inspect.isfunction(ask) or not _fits(inspect.signature(ask).bind, found, frozenset[str]()):
        return "it has no method ask that takes symbols"
    return None


def _fits(bind: Callable[..., object], *arguments: object) -> bool:
    try:
        bind(*arguments)
    except TypeError:
        return False
    return True


def _options_refusal(source_class: Any, entry: _Entry) -> Refusal | None:
    """Return which option the class does not take, or does not get."""
    _, *parameters = inspect.signature(source_class.from_options).parameters.values()  # the first is the context
    taken = {item.name: item for item in parameters if item.kind in _NAMED}
    takes_any = any(item.kind is inspect.Parameter.VAR_KEYWORD for item in parameters)
    unknown = [name for name in entry.options if name not in taken]
    if unknown and not takes_any:
        takes = f"one of {', '.join(taken)}" if taken else "an option: it takes none"
        return _bad(f"{entry.subject} is given the option {one_line(unknown[0])}: not {takes}")
    wanted = [name for name, item in taken.items() if item.default is item.empty and name not in entry.options]
    return _bad(f"{entry.subject} wants the option {one_line(wanted[0])} in PRICE_BACKENDS") if wanted else None


def _bad(message: str) -> Refusal:
    return Refusal(Code.BAD_OPTION, message)


def _named(name: str, refusal: Refusal) -> Refusal:
    return Refusal(refusal.code, f"PRICE_SOURCES names {one_line(name)}: {refusal.message}")
