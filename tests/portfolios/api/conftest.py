"""Who calls the API in these tests: the same as in those of the API as a whole."""

from tests.folios.api.conftest import caller, nobody_has_called_yet, user

__all__ = ["caller", "nobody_has_called_yet", "user"]
