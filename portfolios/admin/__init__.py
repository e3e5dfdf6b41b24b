"""The books in the admin, where people work: what they change goes through the ledger, with name and reason."""

from portfolios.admin import accounts, corporate_actions, orders, people, positions, records, reference

__all__ = ["accounts", "corporate_actions", "orders", "people", "positions", "records", "reference"]
