"""Plan tokens: what a plan was made of, short enough to hand around.

A token has one part for each ingredient, so that a changed plan can be told apart by what changed. Equal parts mean
equal ingredients; the parts are digests, and nothing can be read out of them.
"""

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal

_PARTS = ("the artifact", "the prices", "the account's books", "the policy, the options or the answers of people")


def make_token(*, digest: str, prices: Mapping[str, Decimal], books: str, rules: Mapping[str, object]) -> str:
    """Return the token of a plan. Prices are compared by value, not by the time at which they were fetched."""
    priced = {symbol: f"{price.normalize():f}" for symbol, price in prices.items()}
    return ".".join([digest[:16], _short(priced), _short(books), _short(rules)])


def what_changed(*, expected: str, actual: str) -> str:
    """Return in words which ingredients of two tokens differ; for something that is no token, that it is none."""
    before, now = expected.split("."), actual.split(".")
    if len(before) != len(now):
        return "the token is not a plan token"
    changed = [name for name, old, new in zip(_PARTS, before, now, strict=True) if old != new]
    return " and ".join(changed) + (" have changed" if len(changed) > 1 else " changed")


def _short(value: object) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
