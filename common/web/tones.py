"""Which tone a word has where it is set off from the text. Color only repeats what the word says."""

from enum import StrEnum


class Tone(StrEnum):
    """How a word looks."""

    GOOD = "good"
    WAITING = "waiting"
    BAD = "bad"
    QUIET = "quiet"


# States, outcomes and verdicts, as the books and the pages write them.
_TONES: dict[str, Tone] = {
    **dict.fromkeys(("active", "ACTIVE", "open", "filled", "succeeded", "EXECUTED"), Tone.GOOD),
    **dict.fromkeys(("executed", "ready", "right", "agree", "booked"), Tone.GOOD),
    **dict.fromkeys(("draft", "pending", "partially_filled", "running", "REDUCING", "CORRECTION"), Tone.WAITING),
    **dict.fromkeys(("CLAMPED", "QUARANTINED", "DEFERRED", "arrived", "new", "quarantined"), Tone.WAITING),
    **dict.fromkeys(("simulated", "reversed", "left out"), Tone.WAITING),
    **dict.fromkeys(("deficit", "no_equity"), Tone.BAD),
    **dict.fromkeys(("HALTED", "failed", "rejected", "DENIED", "wrong", "disagree", "unreadable"), Tone.BAD),
}


def tone_of(word: str) -> Tone:
    """Return the tone of a word; quiet for one that says nothing of good or bad."""
    return _TONES.get(word, Tone.QUIET)
