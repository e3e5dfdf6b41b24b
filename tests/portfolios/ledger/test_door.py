"""The ledger's public door: what is on its list is there, and nothing else is offered."""

from types import ModuleType

from portfolios import ledger


def test_the_list_is_what_the_door_offers():
    offered = {name for name, value in vars(ledger).items() if name[0] != "_" and not isinstance(value, ModuleType)}
    assert offered - {"TYPE_CHECKING", "lazy_names"} <= set(ledger.__all__)
    assert all(hasattr(ledger, name) for name in ledger.__all__)


def test_everything_on_the_list_says_what_it_does():
    assert [name for name in ledger.__all__ if not (getattr(ledger, name).__doc__ or "").strip()] == []
