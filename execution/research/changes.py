"""The refusal of research that is not what an id, or a run, stands for any more."""

from execution.engine.vocabulary import Code, Refusal


def artifact_changed(
    what: str, *, since: str, known_as: str = "executed", known: str, found: str | None, hint: str = ""
) -> Refusal:
    """Return the refusal of `what`, which has changed since a moment: the digest that counts, and the one of now.

    `known_as` says in a word what the known digest is; `found` None: what is there now cannot be read.
    """
    now = found[:12] if found else "not readable"
    return Refusal(
        Code.ARTIFACT_CHANGED,
        f"{what} has changed since {since}: {known_as} {known[:12]}, now {now}{hint}",
        {known_as: known, "found": found or ""},
    )
