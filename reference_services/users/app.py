"""HTTP in front of the users, and the wiring."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field

from reference_services.kit.http import CorrelationId, web_app
from reference_services.kit.service import Parts, Resources
from reference_services.kit.tracing import Tracing
from reference_services.users.handlers import SERVICE, User, register, request_password_reset
from reference_services.users.store import TOPIC, UserStore

__all__ = ["SERVICE", "wire"]

EmailAddress = Annotated[str, Field(pattern=r"^[^@\s<>]+@[^@\s<>]+$", max_length=254)]


class Registration(BaseModel):
    """What a visitor sends."""

    email: EmailAddress
    registrationMethod: str = Field(default="email", max_length=40)  # noqa: N815 -- the field's name in JSON


def wire(resources: Resources) -> Parts:
    """The service's parts."""
    store = UserStore(resources.engine, resources.settings.topic(TOPIC))
    return Parts(users_app(store, resources.tracing), publishes=[TOPIC])


def users_app(store: UserStore, tracing: Tracing) -> FastAPI:
    """Register, look up, ask for a new password."""
    app = web_app(SERVICE, tracing)

    @app.post("/users", status_code=201)
    def post_user(body: Registration, correlation_id: CorrelationId) -> dict[str, Any]:
        user = User(str(uuid.uuid4()), body.email, body.registrationMethod, datetime.now(UTC))
        store.add(user, register(user, correlation_id))
        return _shown(user) | {"correlationId": correlation_id}

    @app.post("/users/{user_id}/password-reset", status_code=202)
    def post_password_reset(user_id: str, correlation_id: CorrelationId) -> dict[str, str]:
        user = _known(store, user_id)
        store.tell(user.user_id, request_password_reset(user, correlation_id, datetime.now(UTC)))
        return {"userId": user.user_id, "correlationId": correlation_id}

    @app.get("/users/{user_id}")
    def get_user(user_id: str) -> dict[str, Any]:
        return _shown(_known(store, user_id))

    return app


def _known(store: UserStore, user_id: str) -> User:
    user = store.get(user_id)
    if user is None:
        raise HTTPException(404, "no user of that id is registered")
    return user


def _shown(user: User) -> dict[str, Any]:
    return {
        "userId": user.user_id,
        "email": user.email,
        "registrationMethod": user.registration_method,
        "registeredAt": user.registered_at,
    }
