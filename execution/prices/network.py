"""What sources across a network share: an end to every wait, few attempts, and one failure a run.

A clock that only measures waiting is read here; the age of a price is judged by the `now` of the chain.
"""

import random
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.util import find_spec
from queue import Empty, SimpleQueue
from threading import Thread
from typing import ClassVar
from urllib.parse import urlsplit

from django.db import connections

from common.text import one_line
from execution.engine.vocabulary import Code, Refusal
from execution.prices.source import Missing, Offer

ATTEMPTS = 3
BATCH = 500  # symbols in one request: an address of 4,000 characters, which servers take
_FIRST_PAUSE = 0.2  # seconds; doubled each time, with jitter, so that many runs do not come back together

Answers = Mapping[str, Offer | Missing]
Fetch = Callable[[Sequence[str], float], Answers]  # canonical symbols, seconds that it may take


class SourceError(Exception):
    """A source failed as a whole, and asking again would not help."""


class TemporaryError(SourceError):
    """A source failed as a whole, and may not fail the next time. `retry_after`: seconds that it asked to wait."""

    def __init__(self, message: str, *, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


@dataclass(slots=True, kw_only=True)
class NetworkSource(ABC):
    """A source across a network; what a subclass adds is its name and how its service is reached.

    `timeout` (seconds) ends all attempts together. Once they have failed, the source is not asked again.
    """

    name: ClassVar[str]
    timeout: float
    _fetch: Fetch | None = field(default=None, init=False)
    _failure: str = field(default="", init=False)

    @abstractmethod
    def connect(self) -> Fetch:
        """Import the library that speaks to the service, and return the call that asks it.

        Called once, when the source is first asked: such a library takes a second or two to import, and a command
        that needs no such price starts without it. The call raises SourceError where the service failed as a
        whole, and TemporaryError where asking again may help.
        """

    def ask(self, symbols: frozenset[str]) -> Answers:
        """Return what the service says of each of `symbols`, or why it says nothing.

        Raises RuntimeError inside a transaction: its locks would be held for as long as the service takes.
        """
        if any(connection.in_atomic_block for connection in connections.all(initialized_only=True)):
            raise RuntimeError(f"the price source {self.name} was asked inside a transaction")
        if self._failure:
            return dict.fromkeys(symbols, Missing(f"not asked again after: {self._failure}", again=True))
        answers: dict[str, Offer | Missing] = {}
        try:
            self._ask_until_answered(symbols, answers)
        except SourceError as error:
            self._failure = str(error)
        rest = Missing(self._failure, again=True) if self._failure else Missing("no price in the answer")
        return dict.fromkeys(symbols, rest) | answers

    def _ask_until_answered(self, symbols: frozenset[str], answers: dict[str, Offer | Missing]) -> None:
        """Fill `answers`. What is there when an attempt fails stays, and only the rest is asked for again."""
        self._fetch = self._fetch or _connected(self.connect)
        until = time.monotonic() + self.timeout
        for attempt in range(1, ATTEMPTS + 1):
            wanted = sorted(symbol for symbol in symbols if _is_open(answers.get(symbol)))
            try:
                for batch in _batches(wanted):
                    answers.update(self._fetch_within(self._fetch, batch, until=until, attempt=attempt))
            except TemporaryError as error:
                if attempt == ATTEMPTS:
                    raise SourceError(f"{error} (asked {ATTEMPTS} times)") from error
                _pause(error, attempt=attempt, until=until)
                continue
            if not any(isinstance(found, Missing) and found.again for found in answers.values()):
                return

    def _fetch_within(self, fetch: Fetch, batch: Sequence[str], *, until: float, attempt: int) -> Answers:
        """Every attempt but the last leaves half of the time for another one."""
        left = until - time.monotonic()
        seconds = left if attempt == ATTEMPTS else left / 2
        if seconds <= 0:
            raise SourceError(f"no answer within {self.timeout:g} s")
        answers = _in_time(lambda: fetch(batch, seconds), seconds=seconds)
        return {symbol: answers.get(symbol, Missing("no price in the answer")) for symbol in batch}


def usable(*, package: str, url: str) -> Refusal | None:
    """Return why a network source cannot work: no `package`, or an address that is none; None where it can."""
    if find_spec(package) is None:
        message = f"the package {package} is not installed; pip install -r requirements/production.txt brings it"
        return Refusal(Code.BAD_OPTION, message)
    if url and not _is_address(url):
        return Refusal(Code.BAD_OPTION, f"{one_line(url)} is not an address of the form https://host")
    return None


def status_error(status: int, *, retry_after: str = "", says: str = "") -> SourceError:
    """Return the fault behind an HTTP status. Too many requests, a timeout and a server's own fault are temporary.

    `retry_after` is the header, in seconds or as a date; `says` is what the service wrote about it.
    """
    message = f"HTTP {status}" + (f", {one_line(says)}" if says else "")
    if status in {408, 425, 429} or status >= 500:
        return TemporaryError(message, retry_after=_seconds(retry_after))
    return SourceError(message)


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:  # a bracket that is not closed
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def _connected(connect: Callable[[], Fetch]) -> Fetch:
    try:
        return connect()
    except ImportError as error:  # installed, and yet it cannot be loaded
        raise SourceError(f"cannot be loaded: {error}") from error


def _is_open(answer: Offer | Missing | None) -> bool:
    return answer is None or (isinstance(answer, Missing) and answer.again)


def _batches(symbols: Sequence[str]) -> Iterator[Sequence[str]]:
    return (symbols[start : start + BATCH] for start in range(0, len(symbols), BATCH))


def _in_time(call: Callable[[], Answers], *, seconds: float) -> Answers:
    """Return what `call` returns, or raise what it raises; after `seconds`, it is left behind.

    The time limits of the libraries start again with every byte that arrives, so a server that drips would hold the
    run for as long as it likes. The thread that is left behind ends with its connection, or with the process.
    """
    outcome: SimpleQueue[Answers | Exception] = SimpleQueue()

    def run() -> None:
        try:
            outcome.put(call())
        except Exception as error:  # noqa: BLE001  # raised again below, in the thread that waits
            outcome.put(error)

    Thread(target=run, name="price-source", daemon=True).start()
    try:
        found = outcome.get(timeout=seconds)
    except Empty:
        raise TemporaryError(f"no answer within {seconds:.1f} s") from None
    if isinstance(found, Exception):
        raise found
    return found


def _pause(error: TemporaryError, *, attempt: int, until: float) -> None:
    jittered = _FIRST_PAUSE * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)  # noqa: S311  # jitter, no secret
    seconds = max(jittered, error.retry_after)
    if time.monotonic() + seconds >= until:
        asked = f", to be asked again in {error.retry_after:.0f} s" if error.retry_after else ""
        raise SourceError(f"{error}{asked}; there is no time left for that") from error
    time.sleep(seconds)


def _seconds(header: str) -> float:
    """The seconds in a Retry-After header, which holds a number or a date; 0 where it holds neither."""
    if re.fullmatch(r"[0-9]{1,9}", header.strip()):
        return float(header)
    try:
        time_named = parsedate_to_datetime(header)
    except ValueError:
        return 0.0
    if time_named.tzinfo is None:
        return 0.0
    return max((time_named - datetime.now(UTC)).total_seconds(), 0.0)
