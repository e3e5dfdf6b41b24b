"""Decimal columns of the books: at most 15 digits, because SQLite keeps decimals as doubles."""

from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    _DecimalField = models.DecimalField[Any, Any]
else:
    _DecimalField = models.DecimalField  # takes type parameters in the stubs only


class CashField(_DecimalField):
    """Cash in the account's currency: 13 digits and cents."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"max_digits": 15, "decimal_places": 2, **options})


class UnitField(_DecimalField):
    """A price per unit or a quantity: 9 digits and 6 places."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"max_digits": 15, "decimal_places": 6, **options})


class PercentField(_DecimalField):
    """A percentage, 0 to 100 where the model does not say otherwise, with 4 places."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"max_digits": 9, "decimal_places": 4, **options})
