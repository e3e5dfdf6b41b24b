"""Writes `.env` for development from `.env.example`: DEBUG on, and a SECRET_KEY of its own. Needs Python alone."""

import os
import secrets
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Write `.env` unless there is one; an existing one only gets a new time, so that make sees it as done."""
    target = ROOT / ".env"
    try:
        # Readable by its owner alone, from the start: it holds a key.
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        target.touch()
        return
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(_development((ROOT / ".env.example").read_text(encoding="utf-8")))
    sys.stdout.write("Wrote .env with DEBUG=true and a new SECRET_KEY\n")


def _development(example: str) -> str:
    own = {"SECRET_KEY=": f"SECRET_KEY={secrets.token_urlsafe(50)}", "DEBUG=false": "DEBUG=true"}
    return "".join(f"{own.get(line, line)}\n" for line in example.splitlines())


if __name__ == "__main__":
    main()
