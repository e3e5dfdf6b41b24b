"""The templates as people read them in a diff."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LONGEST = 120  # characters: what two panes of a diff show side by side


def test_no_line_of_a_template_is_longer_than_a_diff_shows():
    templates = sorted((ROOT / "templates").rglob("*.html"))
    assert templates
    assert [found for path in templates for found in _long_lines(path)] == []


def _long_lines(path: Path) -> list[str]:
    """Return the place and the length of every line that is too long."""
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
    return [
        f"{path.relative_to(ROOT)}:{number}: {len(line)} characters"
        for number, line in lines
        if len(line) > LONGEST
    ]
