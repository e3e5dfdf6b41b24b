"""The only writer of the books, and its public door: `from portfolios import ledger`, then `ledger.deposit(...)`.

Every change of cash or holdings is one ledger entry and what follows from it. Unless a function says otherwise it
wants an open transaction, and all but those that open an account its lock (`lock_account`): what is read, decided
and written under the lock is true together. The number of statements does not depend on the number of orders.

Only the triggers are not here: they belong to the database, and are installed after every migration.
"""

from typing import TYPE_CHECKING

from common.lazy import lazy_names

if TYPE_CHECKING:
    from portfolios.ledger.accounts import open_account, open_for_run, open_with_history
    from portfolios.ledger.action_reversal import preview_action_reversal, reverse_action
    from portfolios.ledger.action_types import AccountEffect, ActionReport, Effect
    from portfolios.ledger.audit_context import AuditContext
    from portfolios.ledger.cash import deposit, withdraw
    from portfolios.ledger.corporate_actions import (
        apply_split,
        change_symbol,
        preview_dividend,
        preview_split,
        preview_symbol_change,
        record_dividend,
    )
    from portfolios.ledger.corrections import correct_cash, correct_position
    from portfolios.ledger.locks import LockOutsideTransactionError, lock_account, lock_accounts
    from portfolios.ledger.marks import ValuationResult, mark_accounts, mark_symbol
    from portfolios.ledger.order_tickets import BookedOrder, Ticket, TypedOrder
    from portfolios.ledger.orders import (
        book_orders,
        cancel_order,
        change_order,
        fill_order,
        place_order,
        record_order,
    )
    from portfolios.ledger.rebuild import Repair, repair_books
    from portfolios.ledger.refusals import CannotBookError
    from portfolios.ledger.reversal_plan import Dependent, Restoration, ReversalPlan, plan_reversal
    from portfolios.ledger.reversals import reverse_entries, reverse_order
    from portfolios.ledger.valuations import refresh_summaries, value_account
    from portfolios.ledger.verify import AuditedAccount, Discrepancy, audit, check_books, read_account

__all__ = [
    "AccountEffect",
    "ActionReport",
    "AuditContext",
    "AuditedAccount",
    "BookedOrder",
    "CannotBookError",
    "Dependent",
    "Discrepancy",
    "Effect",
    "LockOutsideTransactionError",
    "Repair",
    "Restoration",
    "ReversalPlan",
    "Ticket",
    "TypedOrder",
    "ValuationResult",
    "apply_split",
    "audit",
    "book_orders",
    "cancel_order",
    "change_order",
    "change_symbol",
    "check_books",
    "correct_cash",
    "correct_position",
    "deposit",
    "fill_order",
    "lock_account",
    "lock_accounts",
    "mark_accounts",
    "mark_symbol",
    "open_account",
    "open_for_run",
    "open_with_history",
    "place_order",
    "plan_reversal",
    "preview_action_reversal",
    "preview_dividend",
    "preview_split",
    "preview_symbol_change",
    "read_account",
    "record_dividend",
    "record_order",
    "refresh_summaries",
    "repair_books",
    "reverse_action",
    "reverse_entries",
    "reverse_order",
    "value_account",
    "withdraw",
]

__getattr__ = lazy_names(
    globals(),
    {
        "portfolios.ledger.accounts": ("open_account", "open_for_run", "open_with_history"),
        "portfolios.ledger.audit_context": ("AuditContext",),
        "portfolios.ledger.cash": ("deposit", "withdraw"),
        "portfolios.ledger.action_reversal": ("preview_action_reversal", "reverse_action"),
        "portfolios.ledger.action_types": ("AccountEffect", "ActionReport", "Effect"),
        "portfolios.ledger.corporate_actions": (
            "apply_split",
            "change_symbol",
            "preview_dividend",
            "preview_split",
            "preview_symbol_change",
            "record_dividend",
        ),
        "portfolios.ledger.corrections": ("correct_cash", "correct_position"),
        "portfolios.ledger.locks": ("LockOutsideTransactionError", "lock_account", "lock_accounts"),
        "portfolios.ledger.marks": ("ValuationResult", "mark_accounts", "mark_symbol"),
        "portfolios.ledger.order_tickets": ("BookedOrder", "Ticket", "TypedOrder"),
        "portfolios.ledger.orders": (
            "book_orders",
            "cancel_order",
            "change_order",
            "fill_order",
            "place_order",
            "record_order",
        ),
        "portfolios.ledger.rebuild": ("Repair", "repair_books"),
        "portfolios.ledger.refusals": ("CannotBookError",),
        "portfolios.ledger.reversal_plan": ("Dependent", "Restoration", "ReversalPlan", "plan_reversal"),
        "portfolios.ledger.reversals": ("reverse_entries", "reverse_order"),
        "portfolios.ledger.valuations": ("refresh_summaries", "value_account"),
        "portfolios.ledger.verify": ("AuditedAccount", "Discrepancy", "audit", "check_books", "read_account"),
    },
)
