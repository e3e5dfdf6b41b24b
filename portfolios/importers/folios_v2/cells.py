"""The cells of one row, each as the value that it stands for. Pure; raises what `values` raises."""

from decimal import Decimal
from uuid import UUID

from common.identifiers import canonical_uuid, uuids_in
from portfolios.domain.accounting import Action, Side
from portfolios.importers.folios_v2 import values
from portfolios.importers.folios_v2.findings import cleaned
from portfolios.importers.folios_v2.reading import RawRow
from portfolios.importers.folios_v2.values import UnreadableError

_ORDER_STATUSES = {
    "pending": "pending",
    "filled": "filled",
    "failed": "failed",
    "cancelled": "canceled",
    "canceled": "canceled",
}


def text_of(value: object) -> str | None:
    """The text in a column, without what no database stores; a whole number is text too. None for nothing."""
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        value = str(value)
    return cleaned(value) if isinstance(value, str) and value.strip() else None


def is_open_of(row: RawRow) -> bool:
    """Whether the position of the row is open."""
    status = str(row.value("status")).strip().lower()
    return status == "open" if status in ("open", "closed") else row.value("closed_at") is None


def held_of(row: RawRow) -> tuple[Side, Decimal, Decimal]:
    """Return side, quantity and average price of the row's position."""
    side = str(row.value("side")).strip().lower()
    if side not in tuple(Side):
        raise UnreadableError("side", row.value("side"), "neither long nor short")
    average = values.price(row.value("average_price"), "average_price")
    return Side(side), values.quantity(row.value("quantity")), average


def order_status_of(row: RawRow) -> str:
    """Return the status of the row's order in the words of the books."""
    status = _ORDER_STATUSES.get(str(row.value("status")).strip().lower())
    if status is None:
        raise UnreadableError("status", row.value("status"), "none of pending, filled, failed, cancelled")
    return status


def action_of(row: RawRow) -> Action:
    """Return what the row's order does."""
    word = str(row.value("action")).strip().upper()
    if word not in tuple(Action):
        raise UnreadableError("action", row.value("action"), f"none of {', '.join(Action)}")
    return Action(word)


def metadata_of(row: RawRow) -> dict[str, object]:
    """The order's own metadata, and how the predecessor wrote what the books keep rounded."""
    own = row.payload.get("metadata")
    kept = {name: _plain(row.value(name)) for name in ("status", "quantity", "limit_price", "fails_at")}
    predecessor = {"order_id": _plain(row.columns.get("id")), **kept}
    plain = _plain(own) if isinstance(own, dict) else {}
    return {**(plain if isinstance(plain, dict) else {}), "predecessor": predecessor}


def _plain(value: object) -> object:
    """A value for a JSON column: numbers as text."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if value is None or isinstance(value, bool):
        return value
    return cleaned(str(value))


def uuid_of(row: RawRow, name: str) -> UUID | None:
    """Return the id in a column, None for none."""
    return canonical_uuid(str(row.columns.get(name)))


def state_of(row: RawRow) -> str:
    """Return the state of the row in lower case."""
    return str(row.value("lifecycle_state")).strip().lower()


def named_by_of(row: RawRow) -> list[UUID]:
    """Return the requests that the row's metadata names."""
    metadata = row.payload.get("metadata")
    if not isinstance(metadata, dict):
        return []
    return [found for name in ("idempotency_key", "request_id") for found in uuids_in(str(metadata.get(name)))]
