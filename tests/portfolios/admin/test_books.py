"""People correct the books in the admin: each change has a name and a reason, and the books stay right."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import folios.urls  # noqa: F401  # discovers the admin's modules
from portfolios.history.models import versions
from portfolios.ledger import check_books
from portfolios.models import LedgerEntry, Order, PortfolioAccount, Position, Price, Security, Strategy
from tests.counts import count
from tests.folios.admin.admin_forms import act, add, confirm, edit, errors_of, page, remove
from tests.scenes import Desk, line, security, whole_database

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(client: Client) -> Client:
    """Return a browser with a superuser logged in."""
    client.force_login(User.objects.create_superuser("boss", password="x"))
    return client


@pytest.fixture
def account(boss: Client, strategy: Strategy) -> PortfolioAccount:
    """Return an account that was opened in the admin with 10,000; MSFT and KO are known."""
    security("MSFT")
    security("KO")
    opened = add(
        boss, PortfolioAccount, "a start", strategy=strategy.pk, provider="anthropic", initial_balance="10000"
    )
    assert opened.status_code == 302, errors_of(opened)
    return PortfolioAccount.objects.get()


def last_entry(account: PortfolioAccount) -> LedgerEntry:
    """Return the newest entry; the books are right."""
    account.refresh_from_db()
    assert check_books(account) == []
    return LedgerEntry.objects.filter(account=account).latest("sequence")


def new_order(boss: Client, account: PortfolioAccount, text: str, **more: Any) -> Any:
    """Type `BUY 10 MSFT @ 100` as an order."""
    action, quantity, symbol, _, price = text.split()
    values = {"account": account.pk, "security": symbol, "action": action, "quantity": quantity,
              "limit_price": price, "state": "filled", "commission": "0", **more}  # fmt: skip
    return add(boss, Order, "broker's statement", **values)


def test_an_account_is_opened_with_a_deposit_in_the_operators_name(account: PortfolioAccount):
    entry = last_entry(account)
    assert (entry.kind, entry.amount, entry.actor, entry.reason) == ("DEPOSIT", 10_000, "boss", "a start")


def test_editing_the_cash_is_a_correction_with_name_and_reason(boss: Client, account: PortfolioAccount):
    assert edit(boss, account, "bank statement", cash_balance="9000.50").status_code == 302
    entry = last_entry(account)
    assert (entry.kind, entry.amount, entry.balance_after) == ("CORRECTION", Decimal("-999.50"), Decimal("9000.50"))
    assert (entry.actor, entry.reason) == ("boss", "bank statement")
    assert "from 10000.00 to 9000.50. Reason: bank statement" in LogEntry.objects.latest("pk").change_message


@pytest.mark.parametrize("reason", ["", "   "])
def test_without_a_reason_nothing_is_changed(boss: Client, account: PortfolioAccount, reason: str):
    response = edit(boss, account, reason, cash_balance="1")
    assert "This field is required" in errors_of(response)
    assert last_entry(account).sequence == 1


def test_what_the_books_refuse_is_shown_and_changes_nothing(boss: Client, account: PortfolioAccount):
    response = edit(boss, account, "a typing mistake", cash_balance="-5")
    assert "more than the cash balance of 10000.00" in errors_of(response)
    assert last_entry(account).sequence == 1


def test_a_form_that_was_opened_before_the_books_changed_is_refused(boss: Client, account: PortfolioAccount):
    address = page(PortfolioAccount, "change", account.pk)
    seen = boss.get(address).context["adminform"].form["seen"].value()
    act(boss, account, "deposit", "more", amount="500")
    stale = {"cash_balance": "10000", "seen": seen, "reason": "nothing in particular"}
    assert "has changed since you opened the page" in errors_of(boss.post(address, stale))
    assert last_entry(account).balance_after == 10_500


def test_saving_without_a_change_is_refused(boss: Client, account: PortfolioAccount):
    assert "Nothing was changed" in errors_of(edit(boss, account, "just because"))


def test_a_position_is_added_edited_and_deleted_by_corrections(boss: Client, account: PortfolioAccount):
    added = add(
        boss, Position, "transferred in", account=account.pk, security="MSFT", side="long", quantity="10",
        average_price="50",
    )  # fmt: skip
    assert added.status_code == 302, errors_of(added)
    assert (last_entry(account).kind, last_entry(account).quantity) == ("CORRECTION", 10)
    position = Position.objects.get()
    assert edit(boss, position, "miscounted", quantity="12", average_price="49.5").status_code == 302
    assert (last_entry(account).quantity, last_entry(account).cost_basis) == (2, 594)
    assert edit(boss, Position.objects.get(), "it was a short", side="short").status_code == 302
    assert last_entry(account).quantity == -24
    assert remove(boss, Position.objects.get(), "never had it").status_code == 302
    assert (last_entry(account).quantity, Position.objects.get().status) == (12, "closed")
    assert account.cash_balance == 10_000
    assert {entry.actor for entry in LedgerEntry.objects.all()} == {"boss"}


def test_a_second_position_in_a_security_is_not_added(boss: Client, account: PortfolioAccount):
    values = {"account": account.pk, "security": "MSFT", "side": "long", "quantity": "1", "average_price": "5"}
    add(boss, Position, "first", **values)
    assert "holds MSFT already" in errors_of(add(boss, Position, "second", **values))
    assert last_entry(account).sequence == 2


def test_an_order_typed_as_filled_is_booked_and_taken_back_when_it_is_deleted(
    boss: Client, account: PortfolioAccount
):
    assert new_order(boss, account, "BUY 10 MSFT @ 100", commission="2.50").status_code == 302
    order = Order.objects.get()
    assert last_entry(account).balance_after == Decimal("8997.50")
    shown = boss.get(page(Order, "delete", order.pk)).content.decode()
    assert "8,997.50" in shown
    assert "10,000.00" in shown
    assert remove(boss, order, "typed twice").status_code == 302
    entry = last_entry(account)
    assert (entry.kind, entry.amount, entry.reason) == ("CORRECTION", Decimal("1002.50"), "typed twice")
    assert Order.objects.get().status == "filled"
    assert "was reversed before" in errors_of(boss.get(page(Order, "delete", order.pk)))


def test_a_pending_order_is_changed_filled_or_canceled(boss: Client, account: PortfolioAccount):
    assert new_order(boss, account, "BUY 10 MSFT @ 100", state="pending").status_code == 302
    order = Order.objects.get()
    assert edit(boss, order, "smaller", quantity="5").status_code == 302
    assert act(boss, order, "fill", "the broker says so", price="99", fee="1").status_code == 302
    assert last_entry(account).balance_after == 10_000 - 5 * 99 - 1
    new_order(boss, account, "BUY 1 KO @ 100", state="pending")
    assert act(boss, Order.objects.get(status="pending"), "cancel", "too late").status_code == 302
    assert set(Order.objects.values_list("status", flat=True)) == {"filled", "canceled"}


def test_a_finished_order_is_not_edited(boss: Client, account: PortfolioAccount):
    new_order(boss, account, "BUY 10 MSFT @ 100")
    address = page(Order, "change", Order.objects.get().pk)
    assert boss.post(address, {"quantity": "1", "limit_price": "1", "reason": "x"}).status_code == 403
    assert 'name="_save"' not in boss.get(address).content.decode()


def test_a_confirmation_of_books_that_have_changed_since_is_refused(boss: Client, account: PortfolioAccount):
    address = f"{page(PortfolioAccount, 'do', 'withdraw')}?ids={account.pk}"
    sent = {"ids": str(account.pk), "amount": "10", "reason": "x", "token": "0", "_confirm": "1"}
    shown = boss.post(address, {**sent, "_preview": "1"})
    assert "You changed the options" in errors_of(shown)
    previewed = shown.context["why"].initial["previewed"]
    assert "have changed since the preview" in errors_of(boss.post(address, {**sent, "previewed": previewed}))
    assert last_entry(account).sequence == 1


def test_an_action_without_a_reason_does_nothing(boss: Client, account: PortfolioAccount):
    assert "Give a reason" in errors_of(act(boss, account, "deposit", " ", amount="5"))
    assert last_entry(account).sequence == 1


def test_a_preview_writes_nothing(boss: Client, account: PortfolioAccount):
    address = f"{page(PortfolioAccount, 'do', 'deposit')}?ids={account.pk}"
    shown = boss.post(address, {"ids": str(account.pk), "amount": "500", "_preview": "1"})
    assert "10,500.00" in shown.content.decode()
    assert last_entry(account).sequence == 1


def test_a_price_is_edited_and_deleted_with_versions_left(boss: Client, account: PortfolioAccount):
    security_row = Security.objects.get(symbol="MSFT")
    as_of = datetime(2026, 1, 5, tzinfo=UTC)
    price = Price.objects.create(security=security_row, price=Decimal(400), source="test", as_of=as_of)
    assert edit(boss, price, "a split was missed", price="100").status_code == 302
    assert remove(boss, price, "wrong day").status_code == 302
    assert [(each.history_type, each.price, each.history_change_reason) for each in versions(Price)][:2] == [
        ("-", 100, "wrong day"), ("~", 100, "a split was missed"),
    ]  # fmt: skip
    assert {each.history_user.username for each in versions(Price)[:2]} == {"boss"}


def test_what_the_books_refer_to_is_not_deleted(boss: Client, account: PortfolioAccount):
    new_order(boss, account, "BUY 10 MSFT @ 100")
    response = remove(boss, Security.objects.get(symbol="MSFT"), "tidying")
    assert "MSFT cannot be deleted: ledger entries, orders, positions refer to it" in errors_of(response)
    assert Security.objects.filter(symbol="MSFT").exists()
    assert boss.get(page(PortfolioAccount, "delete", account.pk)).status_code == 403


def test_the_books_are_checked_from_the_list(boss: Client, account: PortfolioAccount):
    ticked = {"action": "check_ticked", "_selected_action": [str(account.pk)]}
    response = boss.post(page(PortfolioAccount, "changelist"), ticked, follow=True)
    assert "the ledger, cash and holdings agree" in response.content.decode()


# --- who may do what ---


@pytest.fixture
def viewer(account: PortfolioAccount) -> Client:
    """Return a browser of somebody who may look at everything and change nothing."""
    user = User.objects.create_user("viewer", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.parametrize(("written", "symbol"), [(" orcl ", "ORCL"), ("BRK-B", "BRK.B"), ("NYSE:MKC", "MKC")])
def test_a_security_is_added_in_the_one_form_of_its_symbol(boss: Client, written: str, symbol: str):
    add(boss, Security, "new", symbol=written, name="A name")
    assert Security.objects.get().symbol == symbol


def test_a_listing_elsewhere_is_no_security_of_these_books(boss: Client):
    response = add(boss, Security, "new", symbol="BP.L", name="BP")
    assert "BP.L is not a symbol: '.L' names a listing elsewhere (London)" in errors_of(response)
    assert not Security.objects.exists()


VIEWED = [PortfolioAccount, Order, Position, Security, Strategy, Price]


def test_a_viewer_sees_no_button_that_changes_anything(
    boss: Client, viewer: Client, account: PortfolioAccount, subtests: pytest.Subtests
):
    new_order(boss, account, "BUY 10 MSFT @ 100", state="pending")
    new_order(boss, account, "BUY 10 MSFT @ 100")
    as_of = datetime(2026, 1, 5, tzinfo=UTC)
    Price.objects.create(security_id="MSFT", price=Decimal(400), source="test", as_of=as_of)
    for model in VIEWED:
        with subtests.test(model.__name__):
            assert_only_shown(viewer, model)


def assert_only_shown(viewer: Client, model: Any) -> None:
    """The list and the rows of a model open, and nothing on them writes."""
    listed = viewer.get(page(model, "changelist"))
    assert listed.status_code == 200
    for row in model.objects.all():
        shown = viewer.get(page(model, "change", row.pk))
        assert shown.status_code == 200
        for trace in ('name="_save"', 'name="reason"', "/do/", "/delete/", "/add/"):
            assert trace not in shown.content.decode().partition('id="content"')[2]
    assert [name for name in listed.context["cl"].model_admin.get_actions(listed.wsgi_request) if name != "check_ticked"] == []  # fmt: skip  # noqa: E501
    assert viewer.get(page(model, "add")).status_code == 403
    assert viewer.get(page(model, "delete", row.pk)).status_code == 403


def test_a_viewer_cannot_use_an_action_by_its_address(viewer: Client, account: PortfolioAccount):
    assert viewer.get(f"{page(PortfolioAccount, 'do', 'deposit')}?ids={account.pk}").status_code == 403
    assert viewer.get(f"{page(PortfolioAccount, 'do', 'nonsense')}?ids={account.pk}").status_code == 404


@pytest.mark.parametrize("ids", ["", "nonsense", "00000000-0000-4000-8000-000000000000"])
def test_an_action_on_a_row_that_is_not_there_is_not_found(boss: Client, account: PortfolioAccount, ids: str):
    assert boss.get(f"{page(PortfolioAccount, 'do', 'deposit')}?ids={ids}").status_code == 404


def test_people_are_not_deleted_because_the_trail_speaks_of_them(boss: Client):
    assert boss.post(page(User, "delete", User.objects.get().pk), {"post": "yes"}).status_code == 403


def test_nothing_is_deleted_in_bulk(boss: Client, account: PortfolioAccount):
    for model in VIEWED:
        response = boss.get(page(model, "changelist"))
        assert "delete_selected" not in response.context["cl"].model_admin.get_actions(response.wsgi_request)


# --- any sequence of edits ---

SYMBOLS = st.sampled_from(["MSFT", "KO"])
NUMBERS = st.sampled_from(["0", "1", "2.5", "10", "333.33", "-1", "12345678901", "0.0000001", "x"])
EDITS = st.one_of(
    st.tuples(st.just("cash"), NUMBERS),
    st.tuples(st.just("deposit"), NUMBERS),
    st.tuples(st.just("withdraw"), NUMBERS),
    st.tuples(
        st.just("order"), st.sampled_from(["BUY", "SELL", "SELL_SHORT", "BUY_TO_COVER"]), SYMBOLS, NUMBERS, NUMBERS,
        st.sampled_from(["filled", "pending"]),
    ),
    st.tuples(st.just("position"), SYMBOLS, st.sampled_from(["long", "short"]), NUMBERS, NUMBERS),
    st.tuples(st.just("fill"), NUMBERS, NUMBERS),
    st.tuples(st.just("edit order"), NUMBERS, NUMBERS),
    st.tuples(st.just("delete order"), st.integers(0, 9)),
    st.tuples(st.just("edit position"), st.sampled_from(["long", "short"]), NUMBERS, NUMBERS),
    st.tuples(st.just("delete position"), st.integers(0, 9)),
)  # fmt: skip


@pytest.mark.slow
@settings(max_examples=count(6, 60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=st.lists(EDITS, min_size=3, max_size=10))
def test_after_any_sequence_of_edits_the_books_are_right(
    boss: Client, account: PortfolioAccount, edits: list[tuple[Any, ...]]
):
    for each in edits:
        entries = LedgerEntry.objects.count()
        response = make(boss, account, each)
        assert response is None or response.status_code in (200, 302)
        assert last_entry(account).sequence == LedgerEntry.objects.filter(account=account).count()
        if response is not None and response.status_code == 200:
            assert errors_of(response)
            assert LedgerEntry.objects.count() == entries
    by_hand = LedgerEntry.objects.all()
    assert not by_hand.exclude(actor="boss").exists()
    assert not by_hand.filter(reason="").exists()


def make(boss: Client, account: PortfolioAccount, edit_: tuple[Any, ...]) -> Any:
    """Make one edit through the admin's own pages; None where there is nothing to make it on."""
    kind, *values = edit_
    return MAKE[kind](boss, account, *values)


def typed_order(boss: Client, account: PortfolioAccount, *values: str) -> Any:
    """Type an order, filled or pending."""
    action, symbol, quantity, price, state = values
    return new_order(boss, account, f"{action} {quantity} {symbol} @ {price}", state=state)


def typed_position(boss: Client, account: PortfolioAccount, *values: str) -> Any:
    """Add a position."""
    names = ("security", "side", "quantity", "average_price")
    return add(boss, Position, "a reason", account=account.pk, **dict(zip(names, values, strict=True)))


def on_pending(change: Callable[..., Any]) -> Callable[..., Any]:
    """Return a change of the first pending order, where there is one."""
    return _on_first(Order.objects.filter(status="pending"), change)


def on_held(change: Callable[..., Any]) -> Callable[..., Any]:
    """Return a change of the first open position, where there is one."""
    return _on_first(Position.objects.filter(status="open"), change)


def _on_first(rows: Any, change: Callable[..., Any]) -> Callable[..., Any]:
    def made(boss: Client, _: PortfolioAccount, *values: Any) -> Any:
        row = rows.all().order_by("pk").first()
        return None if row is None else change(boss, row, *values)

    return made


def deleting(model: Any) -> Callable[..., Any]:
    """Return the deletion of one of the rows, where there are some and the page lets anybody."""

    def made(boss: Client, _: PortfolioAccount, at: int) -> Any:
        rows = list(model.objects.order_by("pk"))
        if not rows:
            return None
        address = page(model, "delete", rows[at % len(rows)].pk)
        return None if boss.get(address).status_code == 403 else confirm(boss, address, "a reason")

    return made


MAKE: dict[str, Callable[..., Any]] = {
    "cash": lambda boss, account, cash: edit(boss, account, "a reason", cash_balance=cash),
    "deposit": lambda boss, account, amount: act(boss, account, "deposit", "a reason", amount=amount),
    "withdraw": lambda boss, account, amount: act(boss, account, "withdraw", "a reason", amount=amount),
    "order": typed_order,
    "position": typed_position,
    "fill": on_pending(lambda boss, row, price, fee: act(boss, row, "fill", "a reason", price=price, fee=fee)),
    "edit order": on_pending(
        lambda boss, row, quantity, price: edit(boss, row, "a reason", quantity=quantity, limit_price=price)
    ),
    "delete order": deleting(Order),
    "edit position": on_held(
        lambda boss, row, side, quantity, price: edit(
            boss, row, "a reason", side=side, quantity=quantity, average_price=price
        )
    ),
    "delete position": deleting(Position),
}


def test_a_run_leaves_orders_that_can_be_taken_back_in_the_admin(boss: Client, desk: Desk):
    desk.run([line("MSFT", "BUY", 10)])
    order = Order.objects.get()
    assert remove(boss, order, "a mistake of the research").status_code == 302
    account = PortfolioAccount.objects.get()
    assert (last_entry(account).kind, account.cash_balance) == ("CORRECTION", 100_000)


def test_cash_behind_a_short_cannot_be_withdrawn(boss: Client, account: PortfolioAccount):
    # 10,000 and the 2,000 of the short: 3,000 are collateral, with half of its value on top.
    assert new_order(boss, account, "SELL_SHORT 20 KO @ 100").status_code == 302
    before = whole_database()
    said = errors_of(act(boss, account, "withdraw", "a wire", amount="9000.01"))
    assert (
        "amount is 9000.01: 9000.00 can be withdrawn, for 3000.00 of the cash of 12000.00 is collateral of shorts "
        "worth 2000.00"
    ) in said
    assert whole_database() == before
    assert act(boss, account, "withdraw", "a wire", amount="9000").status_code == 302
    assert last_entry(account).balance_after == 3_000
    # A correction states a fact: it may go below, and the account's page says what that means.
    assert edit(boss, account, "bank statement", cash_balance="2999").status_code == 302
    assert (
        "Below the margin of its shorts" in boss.get(page(PortfolioAccount, "change", account.pk)).content.decode()
    )


def test_an_account_that_is_opened_here_can_be_looked_at_at_once(boss: Client, account: PortfolioAccount):
    assert account.valuations.get().total == 10_000
    answer = boss.get(reverse("dashboard:account", args=[account.pk]))
    assert (answer.status_code, "not valued yet" in answer.content.decode()) == (200, False)
