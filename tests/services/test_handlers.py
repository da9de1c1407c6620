"""Handlers are pure: an event in, what follows from it out."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from eventops.events import Envelope, MalformedEvent
from reference_services.notifications.handlers import MAILS, mail_for, mail_sent
from reference_services.orders.handlers import customer_of, points_for
from reference_services.orders.order import PAID, Customer
from reference_services.users.handlers import User, register, request_password_reset

NOW = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)
ANN = User("u1", "ann@example.com", "email", NOW)
ORDER = {"orderId": "o1", "userId": "u1", "email": "ann@example.com", "total": 59.9}


def event(event_type: str, **data: object) -> Envelope:
    return Envelope(event_type, "test", data, "req-1", NOW, event_id="e1")


def test_registering_is_a_root_event() -> None:
    (registered,) = register(ANN, "req-1")
    assert (registered.event_type, registered.correlation_id, registered.causation_id) == (
        "user.registered",
        "req-1",
        None,
    )
    assert registered.data == {"userId": "u1", "email": "ann@example.com", "registrationMethod": "email"}
    (reset,) = request_password_reset(ANN, "req-2", NOW)
    assert (reset.event_type, reset.data) == ("user.passwordReset", {"userId": "u1", "email": "ann@example.com"})


@pytest.mark.parametrize(
    ("event_type", "subject"),
    [
        ("user.registered", "Welcome"),
        ("user.passwordReset", "Your new password"),
        ("order.placed", "We have your order o1"),
        ("order.paid", "Your order o1 is paid"),
        ("order.cancelled", "Your order o1 is cancelled"),
        ("loyalty.pointsEarned", "You earned 59 points"),
    ],
)
def test_each_event_calls_for_its_mail(event_type: str, subject: str) -> None:
    cause = event(event_type, **ORDER, points=59)
    mail = mail_for(cause)
    assert mail is not None
    assert (mail.to, mail.subject) == ("ann@example.com", subject)
    assert mail.message_id == "<e1@notifications.example>", "a second sending is recognisable"
    sent = mail_sent(cause, mail, NOW)
    assert (sent.event_type, sent.causation_id, sent.correlation_id) == ("notification.emailSent", "e1", "req-1")


def test_other_events_call_for_none() -> None:
    assert mail_for(event("user.loggedIn", email="ann@example.com")) is None


@pytest.mark.parametrize("event_type", sorted(MAILS))
@pytest.mark.parametrize("address", [None, "", 7, {"at": "home"}])
def test_a_mail_without_an_address_is_a_malformed_event(event_type: str, address: object) -> None:
    with pytest.raises(MalformedEvent, match=r"data\.email"):
        mail_for(event(event_type, **{**ORDER, "points": 59, "email": address}))


def test_a_paid_order_earns_points_and_says_why() -> None:
    (earned,) = points_for(event(PAID, **ORDER), NOW)
    assert (earned.event_type, earned.causation_id, earned.correlation_id) == ("loyalty.pointsEarned", "e1", "req-1")
    assert earned.data == {"orderId": "o1", "userId": "u1", "email": "ann@example.com", "points": 59}


@pytest.mark.parametrize("total", [0, 0.99, -5])
def test_less_than_a_unit_earns_nothing(total: float) -> None:
    assert points_for(event(PAID, **{**ORDER, "total": total}), NOW) == []


@pytest.mark.parametrize("total", [None, "59.90", True])
def test_a_total_that_is_no_number_is_malformed(total: object) -> None:
    with pytest.raises(MalformedEvent, match=r"data\.total"):
        points_for(event(PAID, **{**ORDER, "total": total}), NOW)


def test_customers_come_from_registrations() -> None:
    assert customer_of(event("user.registered", userId="u1", email="a@b")) == Customer("u1", "a@b")
    with pytest.raises(MalformedEvent):
        customer_of(event("user.registered", userId="u1"))
