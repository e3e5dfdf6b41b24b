"""The books in the admin, where people work: what they change goes through the ledger, with name and reason."""

from portfolios.admin import accounts, orders, people, positions, records, reference

__all__ = ["accounts", "orders", "people", "positions", "records", "reference"]
