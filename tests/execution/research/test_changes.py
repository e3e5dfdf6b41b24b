"""What is said where research has changed."""

from execution.engine.vocabulary import Code
from execution.research.changes import artifact_changed

OLD, NEW = "a" * 64, "b" * 64


def test_a_change_names_both_digests():
    refusal = artifact_changed("a.json", since="run 1 failed", known=OLD, found=NEW)
    assert refusal.code is Code.ARTIFACT_CHANGED
    assert refusal.message == "a.json has changed since run 1 failed: executed aaaaaaaaaaaa, now bbbbbbbbbbbb"
    assert refusal.details == {"executed": OLD, "found": NEW}


def test_what_cannot_be_read_any_more_has_no_digest():
    refusal = artifact_changed("it", since="it was executed", known=OLD, found=None, hint="; it is kept")
    assert (
        refusal.message
        == "it has changed since it was executed: executed aaaaaaaaaaaa, now not readable; it is kept"
    )
