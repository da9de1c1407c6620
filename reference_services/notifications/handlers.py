"""Which mail an event calls for, and the event that tells of a mail sent. Pure.

Every event brings the address it concerns in ``data.email``: this service knows nobody, and a mail never waits for
another topic to catch up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from eventops.events import Envelope
from reference_services.kit.payload import number_of, text_of

SERVICE: Final = "notification-service"
EMAIL_SENT: Final = "notification.emailSent"


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to send; ``message_id`` follows from the event, so that a second sending is recognisable as such."""

    to: str
    subject: str
    body: str
    message_id: str
    event_id: str
    correlation_id: str


def mail_for(event: Envelope) -> Mail | None:
    """The mail an event calls for; None for a type that calls for none.

    Raises:
        MalformedEvent: a field the mail needs is missing.
    """
    write = MAILS.get(event.event_type)
    if write is None:
        return None
    subject, body = write(event)
    message_id = f"<{event.event_id}@notifications.example>"
    return Mail(text_of(event, "email"), subject, body, message_id, event.event_id, event.correlation_id)


def mail_sent(cause: Envelope, mail: Mail, now: datetime) -> Envelope:
    """``notification.emailSent``, caused by the event that called for the mail."""
    data = {"to": mail.to, "subject": mail.subject, "messageId": mail.message_id, "about": cause.event_type}
    return Envelope(EMAIL_SENT, SERVICE, data, cause.correlation_id, now, causation_id=cause.event_id)


def _welcome(_event: Envelope) -> tuple[str, str]:
    return "Welcome", "Your account is ready."


def _password_reset(_event: Envelope) -> tuple[str, str]:
    return "Your new password", "Follow the link on our site to choose a new password. It was not you? Then do nothing."


def _order_placed(event: Envelope) -> tuple[str, str]:
    order = text_of(event, "orderId")
    return f"We have your order {order}", f"Order {order} over {number_of(event, 'total'):.2f} is placed."


def _order_paid(event: Envelope) -> tuple[str, str]:
    order = text_of(event, "orderId")
    return f"Your order {order} is paid", f"Thank you: order {order} is paid and on its way."


def _order_cancelled(event: Envelope) -> tuple[str, str]:
    order = text_of(event, "orderId")
    return f"Your order {order} is cancelled", f"Order {order} is cancelled. Nothing is owed."


def _points_earned(event: Envelope) -> tuple[str, str]:
    points = number_of(event, "points")
    return f"You earned {points:.0f} points", f"Order {text_of(event, 'orderId')} brought you {points:.0f} points."


MAILS: Final[dict[str, Callable[[Envelope], tuple[str, str]]]] = {
    "user.registered": _welcome,
    "user.passwordReset": _password_reset,
    "order.placed": _order_placed,
    "order.paid": _order_paid,
    "order.cancelled": _order_cancelled,
    "loyalty.pointsEarned": _points_earned,
}
"""Subject and body by event type."""
