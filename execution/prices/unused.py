"""A price that a person types prices something, or it is refused by name: one for OCRL was meant for ORCL."""

import difflib
from collections.abc import Collection

from execution.engine.vocabulary import Code, Refusal

_MOST_NAMED = 20  # symbols in a message
_ALIKE = 0.5  # of 1: two letters of four


def unused_price(typed: Collection[str], *, known: Collection[str], what: str) -> Refusal | None:
    """Refuse the first of the `typed` symbols that is not `known`, with the nearest that is; None where all are.

    `what` is what the known symbols are of, as "the plan".
    """
    unused = min(set(typed) - set(known), default=None)
    if unused is None:
        return None
    near = difflib.get_close_matches(unused, known, n=1, cutoff=_ALIKE)
    hint = f": is {near[0]} meant?" if near else "."
    named = sorted(known)[:_MOST_NAMED]
    more = f" and {len(known) - _MOST_NAMED} more" if len(known) > _MOST_NAMED else ""
    return Refusal(
        Code.BAD_PRICE,
        f"the price of {unused} prices nothing{hint} Symbols of {what}: {', '.join(named) or 'none'}{more}",
        {"symbol": unused, **({"near": near[0]} if near else {})},
    )
