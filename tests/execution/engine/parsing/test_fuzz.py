"""The corpus, broken at random: whatever arrives, the parser answers, and no bad line moves money.

3,000 inputs in every run, 100,000 with FOLIOS_LARGE. A failure prints the seed; FOLIOS_SEED repeats it.
"""

import json
import random
import time
from collections import Counter
from collections.abc import Callable

import pytest

from execution.engine.parsing.artifact import Artifact, parse_artifact
from execution.engine.parsing.mapping_rules import Rules
from execution.engine.parsing.symbols import read_symbol
from execution.engine.vocabulary import RecommendedAction, Refusal
from tests.builders import account, plan_of
from tests.counts import count, seeded
from tests.execution.engine.parsing.corpus import CORPUS, Case, outcome
from tests.execution.engine.parsing.corpus.envelopes import (
    anthropic,
    chat,
    gemini,
    message,
    openai_line,
    response,
    text,
)

INPUTS = count(3_000, 100_000)
SMALL = [case.content for case in CORPUS if len(case.content) < 20_000]
READABLE = [case for case in CORPUS if len(case.content) < 20_000 and not case.expected[0].startswith("REFUSED")]
DOCUMENTS = [case.content for case in READABLE if case.content.startswith(b'{"recommendations"')]
LINES = [line for content in DOCUMENTS for line in json.loads(content)["recommendations"] if isinstance(line, dict)]
FIELD_NAMES = sorted({name for line in LINES for name in line})
FIELD_VALUES = [value for line in LINES for value in line.values()]
ACCOUNT = account(
    cash=100_000,
    long={"MSFT": (10, 100), "AAPL": (10, 100), "XOM": (10, 100)},
    short={"SMCI": (10, 100), "TSLA": (5, 100)},
)
MOST_MUTATIONS = 4
SNIPPETS = (
    b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\", b"```", b"<think>", b"</think>", b"null", b"true", b"NaN",
    b"-", b"%", b"1e999999", b"0.1", b"100", b"9" * 70, b"\xff", b"\x00", b"\xe2\x80\xae", b'"SELL"',
    b'"SELL_SHORT"', b'"quantity":5,', b'"action":"BUY",', b'"allocation_percent":', b"\n", b'"response":',
)  # fmt: skip
NUMBERS = (b"0", b"-1", b"0.05", b"2", b"1e9", b"101", b'"5%"', b"1e-20", b"null", b"[]")


def flip(content: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(content))
    return content[:at] + bytes([content[at] ^ 1 << chance.randrange(8)]) + content[at + 1 :]


def delete(content: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(content))
    return content[:at] + content[at + chance.randint(1, 40) :]


def duplicate(content: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(content))
    piece = content[at : at + chance.randint(1, 200)]
    return content[:at] + piece * chance.randint(2, 4) + content[at + len(piece) :]


def insert(content: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(content) + 1)
    return content[:at] + chance.choice(SNIPPETS) + content[at:]


def splice(content: bytes, chance: random.Random) -> bytes:
    other = chance.choice(SMALL)
    return content[: chance.randrange(len(content) + 1)] + other[chance.randrange(len(other) + 1) :]


def cut(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content))]


def swap_number(content: bytes, chance: random.Random) -> bytes:
    digits = [at for at, byte in enumerate(content) if 48 <= byte <= 57]
    if not digits:
        return content
    at = chance.choice(digits)
    return content[:at] + chance.choice(NUMBERS) + content[at + 1 :]


def swap_words(content: bytes, chance: random.Random) -> bytes:
    words = content.split(b'"')
    first, second = chance.randrange(len(words)), chance.randrange(len(words))
    words[first], words[second] = words[second], words[first]
    return b'"'.join(words)


def nest(content: bytes, chance: random.Random) -> bytes:
    said = content.decode("utf-8", "replace")
    wrapped = chance.choice((f"[{said}]", f'{{"response": {said}}}', json.dumps(said), f"```json\n{said}\n```"))
    return wrapped.encode()


MUTATIONS = (flip, delete, duplicate, insert, splice, cut, swap_number, swap_words, nest)


def reworded(content: bytes, chance: random.Random) -> bytes:
    """Change fields of lines and keep the JSON whole: the mutations that reach the tables."""
    try:
        lines = json.loads(content)["recommendations"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return content
    if not isinstance(lines, list) or not all(isinstance(line, dict) for line in lines):
        return content
    for line in lines:
        for name in chance.sample(sorted(line), min(len(line), chance.randint(0, 2))):
            line[chance.choice((name, chance.choice(FIELD_NAMES)))] = line.pop(name)
        for _ in range(chance.randint(0, 2)):
            line[chance.choice(FIELD_NAMES)] = chance.choice(FIELD_VALUES)
    written = lines + [line for line in lines if chance.random() < 0.2]
    return json.dumps({"recommendations": written}, ensure_ascii=chance.random() < 0.8).encode("utf-8", "replace")


def broken(chance: random.Random) -> bytes:
    """Half of the inputs are whole JSON with other words in it, half are torn, some are both."""
    content = chance.choice(chance.choice((SMALL, DOCUMENTS, DOCUMENTS)))
    whole = chance.random() < 0.5
    if whole:
        content = reworded(content, chance)
    for _ in range(chance.choice((0, 0, 1)) if whole else chance.choice((1, 1, 2, MOST_MUTATIONS))):
        content = chance.choice(MUTATIONS)(content or b"{}", chance)
    return content


def test_no_broken_input_raises_or_moves_money():
    chance = seeded("broken research")
    endings: Counter[str] = Counter()
    slowest = 0.0
    for _ in range(INPUTS):
        content = broken(chance)
        start = time.process_time()
        found = parse_artifact(content)
        slowest = max(slowest, time.process_time() - start)
        endings[outcome(found)[0].split(" ")[0]] += 1
        if isinstance(found, Artifact):
            assert_sound(found, content)
            assert_only_good_lines_trade(found, content)
        else:
            assert isinstance(found, Refusal), content
    # How slow a line may be is measured in benchmarks/parsing.py, on a machine that does nothing else.
    print(f"{INPUTS:,} inputs, slowest {slowest * 1e3:.1f} ms, first lines {dict(endings)}")  # noqa: T201
    assert endings["REFUSED"] > INPUTS / 10, "the inputs are hardly broken"
    assert endings["BUY"] > INPUTS / 20, "hardly any input is still readable"


def assert_sound(found: Artifact, content: bytes) -> None:
    lines = sorted([item.line for item in found.recommendations] + [item.line for item in found.problems])
    assert lines == list(range(1, len(lines) + 1)), content
    for item in found.recommendations:
        assert read_symbol(item.symbol, rules=Rules()) == item.symbol, content
        assert item.action in RecommendedAction, content
        assert item.allocation_percent is None or 0 <= item.allocation_percent <= 100, content
        if item.action in (RecommendedAction.BUY, RecommendedAction.SELL_SHORT):
            assert item.allocation_percent is not None, content
        assert item.confidence is None or 0 <= item.confidence <= 1, content


def assert_only_good_lines_trade(found: Artifact, content: bytes) -> None:
    """Plan it in an account that holds what the corpus talks of: what is not understood gives no order."""
    plan = plan_of(*found.recommendations, *found.problems, on=ACCOUNT)
    good = len(found.recommendations)  # the builder numbers them first
    assert all(intent.line <= good for intent in plan.intents), content
    assert {decision.outcome for decision in plan.decisions[good:]} <= {"QUARANTINED"}, content
    unclear = {item.symbol for item in found.problems}
    assert not unclear & {intent.symbol for intent in plan.intents}, content


WRAPPINGS: tuple[Callable[[str], str], ...] = (
    lambda said: f"```json\n{said}\n```",
    lambda said: f"<think>I would rather {{sell}}.</think>\n\n{said}",
    lambda said: f"Here is what I found.\n\n{said}\n\nThis is no advice.",
    json.dumps,
    lambda said: json.dumps(json.dumps(said)),
    lambda said: json.dumps(anthropic(text(said))),
    lambda said: json.dumps(chat(said)),
    lambda said: json.dumps(response(message(said))),
    lambda said: json.dumps(gemini({"text": said})),
    lambda said: json.dumps(openai_line(chat(f"```\n{said}\n```"))),
    lambda said: json.dumps({"response": f"<think>...</think>{said}", "stats": {}}, indent=2),
)


@pytest.mark.parametrize("wrapped", WRAPPINGS)
def test_a_wrapping_changes_nothing(wrapped: Callable[[str], str]):
    documents = [case for case in READABLE if case.content.startswith(b"{") and holds_no_wrapping(case)]
    assert len(documents) > 200
    for case in documents:
        said = wrapped(case.content.decode())
        assert outcome(parse_artifact(said.encode())) == case.expected, case.name


INNER = ("choices", "candidates", "response", "content", "output", "result")


def holds_no_wrapping(case: Case) -> bool:
    """Whether a case is a document by itself, with neither an envelope nor prose around it."""
    try:
        document = json.loads(case.content)
    except ValueError:
        return False
    return isinstance(document, dict) and not any(name in document for name in INNER)
