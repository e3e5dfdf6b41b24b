"""Text of a language model -> its one piece of JSON: behind a thought, in a fence, in tags, or in plain prose.

Two pieces are not chosen from, and nothing that was cut short is completed.
"""

import re
from collections.abc import Sequence

from common.text import brief
from execution.engine.vocabulary import Code, Refusal

_FENCE = "```"
_THOUGHTS = ("think", "thinking", "reasoning")
_MOST_THOUGHTS = 8  # each costs a copy of what follows
_TAG = "ORDERS_JSON"
_FENCE_LINE = re.compile(r"^[ \t]*```.*$", re.MULTILINE)
MAX_FENCES = 1_000
_OPENING = ("{", "[")
_SEVERAL = Refusal(Code.ARTIFACT_AMBIGUOUS, "the text holds several pieces of JSON: which is meant is not clear")
_VERDICT = re.compile(
    r"(?:FINAL TRANSACTION PROPOSAL|Rating|Recommendation|Action)[*\s]{0,4}:[*\s]{0,4}(?P<word>[A-Za-z_]{2,20})"
)
_MOST_PROSE = 100_000  # characters that are looked at for a verdict


def json_in(text: str) -> str | Refusal:
    """Return the only piece of JSON in `text`, not decoded yet, or why there is none or more than one."""
    rest = _after_thought(text.lstrip("\ufeff").strip())
    if isinstance(rest, Refusal):
        return rest
    if rest.startswith((*_OPENING, '"')):
        piece = _in_prose(rest) if rest.startswith("{") else rest
        # What is cut short or stands beside another piece is left whole: the decoder names the place.
        return rest if isinstance(piece, Refusal) else piece
    for pieces in (_tagged(rest), _fenced(rest)):
        if isinstance(pieces, Refusal):
            return pieces
        if pieces:
            return _only(pieces)
    return _in_prose(rest)


def _only(pieces: Sequence[str]) -> str | Refusal:
    return pieces[0] if len(pieces) == 1 else _SEVERAL


def _after_thought(text: str) -> str | Refusal:
    """Return what follows the thinking aloud that some models begin with; a draft inside it is no document."""
    for _ in range(_MOST_THOUGHTS):
        name = next((name for name in _THOUGHTS if text.startswith(f"<{name}>")), None)
        if name is None:
            break
        _thought, closing, text = text.partition(f"</{name}>")
        if not closing:
            return Refusal(Code.ARTIFACT_INCOMPLETE, f"the text ends inside its <{name}> block")
        text = text.lstrip()
    if text.startswith((*_OPENING, '"', _FENCE)):
        return text
    for name in _THOUGHTS:  # some servers cut the opening tag off
        text = text.rpartition(f"</{name}>")[2]
    return text.strip()


def _tagged(text: str) -> list[str] | Refusal:
    pieces = text.split(f"<{_TAG}>")[1:]
    if any(f"</{_TAG}>" not in piece for piece in pieces):
        return Refusal(Code.ARTIFACT_INCOMPLETE, f"the text ends inside its <{_TAG}> tags")
    return [_unfenced(piece.partition(f"</{_TAG}>")[0].strip()) for piece in pieces]


def _unfenced(text: str) -> str:
    lines = text.splitlines()
    fenced = len(lines) > 2 and lines[0].startswith(_FENCE) and lines[-1].strip() == _FENCE
    return "\n".join(lines[1:-1]) if fenced else text


def _fenced(text: str) -> list[str] | Refusal:
    """Return the fenced blocks that hold JSON.

    A fence stands at the beginning of its line: no JSON string holds one there, as it has no plain line breaks.
    """
    if text.count(_FENCE) > MAX_FENCES:
        return _SEVERAL
    if text.startswith(_FENCE) and text.endswith(_FENCE) and "\n" not in text and len(text) > 2 * len(_FENCE):
        return [text.strip("`").removeprefix("json").strip()]
    blocks = _FENCE_LINE.split(text)  # prose and code in turn
    pieces = [block for block in map(str.strip, blocks[1::2]) if block.startswith(_OPENING)]
    if not pieces and len(blocks) % 2 == 0:
        return Refusal(Code.ARTIFACT_INCOMPLETE, "the text ends inside a fence")
    if pieces and any("{" in block for block in blocks[0::2]):
        return _SEVERAL
    return pieces


def _in_prose(text: str) -> str | Refusal:
    """Return everything from the first brace to the last: the decoder reads it as one object or not at all."""
    start, end = text.find("{"), text.rfind("}") + 1
    if start < 0:
        return _prose(text)
    if end <= start:
        return Refusal(Code.ARTIFACT_INCOMPLETE, "the text ends inside its JSON")
    # A correction behind it that is cut short would be another piece.
    if "{" in text[end:]:
        return _SEVERAL
    # The only object of a list is still a list.
    before = text[:start].rstrip()
    return text[len(before) - 1 :] if before.endswith("[") else text[start:end]


def _prose(text: str) -> Refusal:
    verdict = _VERDICT.search(text[:_MOST_PROSE])
    if verdict is not None:
        said = f"it says '{brief(verdict['word'])}', but an order needs a symbol, an action and a size in JSON"
        return Refusal(Code.ARTIFACT_PROSE, f"the text holds no JSON: {said}")
    return Refusal(Code.ARTIFACT_PROSE, "the text holds no JSON, and prose is not traded on")
