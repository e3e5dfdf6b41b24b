"""The product's migrations of the books, and one more."""

from portfolios import migrations

__path__ = [*__path__, *migrations.__path__]
