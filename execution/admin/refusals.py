"""Refusals of the services, as the admin's pages say them."""

from common.admin.confirm import Refused
from execution.engine.vocabulary import Refusal


def words(refusal: Refusal) -> str:
    """Return a refusal as a sentence with its code."""
    return f"[{refusal.code}] {refusal.message}."


def refused(refusal: Refusal) -> Refused:
    """Return a refusal as the answer of an action."""
    return Refused(words(refusal))
