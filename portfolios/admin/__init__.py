"""The books in the admin, where people work: what they change goes through bookkeeping, with name and reason."""

from portfolios.admin import books, people, reference
from portfolios.admin.base import FoliosAdmin, RecordAdmin

__all__ = ["FoliosAdmin", "RecordAdmin", "books", "people", "reference"]
