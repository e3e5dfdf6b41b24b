"""The README's tables of limits are the registry's rows."""

from pathlib import Path

from portfolios.domain.limit import Limit
from portfolios.domain.risk_limits import LIMITS

HEAD = "| limit | setting | default |\n|---|---|---|\n"


def table(rows: list[Limit]) -> str:
    """Return rows as the README has them."""
    lines = (
        f"| {row.label}{f': {row.note}' if row.note else ''} | `{row.field}` | {row.text(row.default)} |"
        for row in rows
    )
    return HEAD + "\n".join(lines) + "\n\n"


def test_the_readme_lists_the_limits_in_their_sequence_and_then_the_rest_of_a_policy():
    text = Path("README.md").read_text()
    limits = table([row for row in LIMITS if row.rule is not None])
    others = table([row for row in LIMITS if row.rule is None])
    assert limits in text, f"the README wants this table:\n{limits}"
    assert others in text, f"the README wants this table:\n{others}"
    assert text.count(HEAD) == 2
