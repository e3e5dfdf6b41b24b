"""Loads the example set into the database and the root of artifacts: adds what is missing, changes nothing."""

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from django.db import transaction

from execution.demo.files import ExampleFileError, ExampleSet, read_examples
from execution.engine.calendar.sessions import closes_between
from execution.engine.vocabulary import Refusal
from execution.prices.ages import usable_max_age
from execution.prices.sources.file import read_price_file
from execution.prices.store import keep
from portfolios import reference_data
from portfolios.reference_data import StrategyNameTakenError
from portfolios.selectors import stored_prices


def load_examples(source: Path, *, root: Path) -> list[str]:
    """Load the examples in `source`, artifacts into `root`; return what was done, a line for each kind of it.

    Can be repeated. Raises ExampleFileError where a file cannot be used or copied, or a name is taken.
    """
    found = read_examples(source)
    try:
        with transaction.atomic():
            done = list(_write(found))
    except StrategyNameTakenError as error:
        path = source / "strategies.json"
        raise ExampleFileError(f"{path}: field 'name' is {error.name!r}: {error}, names are unique") from error
    return done + _copy_artifacts(source / "artifacts", root)


def store_example_prices(source: Path, *, now: datetime) -> list[str]:
    """Store the prices in `source`, if it has any, for symbols without a price that is young enough to trade at.

    They are prices of `now`. Return what was done, a line or none. To be called once the examples are there. Raises
    ExampleFileError where the file cannot be used.
    """
    path = source / "prices.csv"
    quotes = read_price_file(path, now=now) if path.exists() else {}
    if isinstance(quotes, Refusal):
        raise ExampleFileError(quotes.message)
    known = stored_prices.latest_prices(quotes, until=now)
    old = {symbol for symbol, price in known.items() if closes_between(price.as_of, now) >= usable_max_age()}
    wanted = {symbol: quote for symbol, quote in quotes.items() if symbol in old or symbol not in known}
    with transaction.atomic():
        keep(wanted)
    return [f"example prices stored: {len(wanted)}"] if wanted else []


def _write(found: ExampleSet) -> Iterator[str]:
    """Write what is missing and yield a line for each kind of it."""
    strategies = [
        reference_data.ensure_strategy(strategy_id=line.id, name=line.name, description=line.description)
        for line in found.strategies
    ]
    policies = [
        reference_data.ensure_risk_policy(
            strategy_id=line.id, version=line.risk_policy.version, limits=line.risk_policy.limits()
        )
        for line in found.strategies
        if line.risk_policy is not None
    ]
    securities = reference_data.complete_securities(found.securities)
    counts = {
        "strategies created": sum(strategies),
        "risk policies created": sum(policies),
        "securities created": securities.created,
        "unverified securities completed": securities.completed,
    }
    yield from (f"{words}: {count}" for words, count in counts.items() if count)


def _copy_artifacts(source: Path, root: Path) -> list[str]:
    """Copy the files that `root` does not have. Raises ExampleFileError where one cannot be read or written."""
    missing = [
        (path, root / path.relative_to(source))
        for path in sorted(source.glob("*/*/*"))
        if not os.path.lexists(root / path.relative_to(source))
    ]
    for path, target in missing:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            _copy_whole(path, target)
        except OSError as error:
            raise ExampleFileError(f"{path} cannot be copied to {target}: {error.strerror}") from error
    return [f"artifact files copied to {root}: {len(missing)}"] if missing else []


def _copy_whole(path: Path, target: Path) -> None:
    """Copy under another name first: half a file under the right name would never be copied again."""
    unfinished = target.with_name(f".{target.name}.unfinished")
    unfinished.write_bytes(path.read_bytes())
    unfinished.rename(target)
