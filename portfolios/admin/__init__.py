"""The books in the admin, where people work: what they change goes through bookkeeping, with name and reason."""

from common.admin.base import FoliosAdmin, RecordAdmin
from portfolios.admin import books, people, reference

__all__ = ["FoliosAdmin", "RecordAdmin", "books", "people", "reference"]
