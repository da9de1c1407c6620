"""What a request makes happen, as events. Pure: ids, the time and the state are arguments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from eventops.events import Envelope

SERVICE = "user-service"
REGISTERED = "user.registered"
PASSWORD_RESET = "user.passwordReset"  # noqa: S105 -- an event's name


@dataclass(frozen=True, slots=True)
class User:
    """One registered user."""

    user_id: str
    email: str
    registration_method: str
    registered_at: datetime


def register(user: User, correlation_id: str) -> list[Envelope]:
    """A user was registered."""
    data = {"userId": user.user_id, "email": user.email, "registrationMethod": user.registration_method}
    return [Envelope(REGISTERED, SERVICE, data, correlation_id, user.registered_at)]


def request_password_reset(user: User, correlation_id: str, now: datetime) -> list[Envelope]:
    """A reset was asked for. The secret link is the mail's business: it never travels in an event."""
    data = {"userId": user.user_id, "email": user.email}
    return [Envelope(PASSWORD_RESET, SERVICE, data, correlation_id, now)]
