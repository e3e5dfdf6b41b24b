"""Research and runs in the admin: what was read, decided and done, and the actions that execute."""

from execution.admin import books, lines, prices, requests, runs

__all__ = ["books", "lines", "prices", "requests", "runs"]
