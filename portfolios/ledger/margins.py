"""The collateral behind shorts: what of the cash is free, and whether it is enough."""

from decimal import Decimal

from common.money import CASH_LIMIT, ZERO, cash_or_none
from portfolios.domain.snapshot import AccountSnapshot
from portfolios.ledger.refusals import CannotBookError
from portfolios.models import AccountSummary, PortfolioAccount
from portfolios.selectors.margin import short_margins


def require_available(account: PortfolioAccount, snapshot: AccountSnapshot, amount: Decimal) -> None:
    """Raise CannotBookError where `amount` would take cash that stands behind the shorts of the locked account."""
    available = snapshot.available_cash(short_margin=margin_of(account, snapshot))
    if snapshot.short_value and amount > available:
        kept = min(snapshot.cash_balance - available, CASH_LIMIT)
        raise CannotBookError(
            f"amount is {amount}: {max(available, ZERO):.2f} can be withdrawn, for {kept:.2f} of the cash of "
            f"{snapshot.cash_balance} is collateral of shorts worth {snapshot.short_value}"
        )


def note_margin(account: PortfolioAccount, snapshot: AccountSnapshot) -> None:
    """Bring what the summary of a locked account says of its margin up to date; the measures stay as they are."""
    margin = margin_of(account, snapshot)
    AccountSummary.objects.filter(account=account).update(
        available_cash=cash_or_none(snapshot.available_cash(short_margin=margin)),
        margin_status=snapshot.margin_status(short_margin=margin).value,
    )


def margin_of(account: PortfolioAccount, snapshot: AccountSnapshot) -> Decimal:
    """Return the margin on the account's shorts as a fraction. One query, and none where it has no shorts."""
    return short_margins([account.pk])[account.pk] if snapshot.short_value else ZERO
