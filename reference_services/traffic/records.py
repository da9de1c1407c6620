"""Records as other producers write them: broken ones, and the plain kafkajs kind with its ids in the body only."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any

from reference_services.traffic.plan import Kind, Step

_NAMES = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")


def record_of(step: Step, now: datetime) -> tuple[bytes, bytes]:
    """Key and value of a record without any headers."""
    user_id = str(uuid.uuid5(_NAMES, step.correlation_id))
    body = _event(step, user_id, now)
    if step.kind is Kind.INVALID_JSON:
        return user_id.encode(), json.dumps(body).encode()[: len(step.email) + 40]
    if step.kind is Kind.MISSING_METADATA:
        del body["metadata"]
    if step.kind is Kind.UNKNOWN_TYPE:
        body["eventType"] = "user.loggedIn"
    return user_id.encode(), json.dumps(body).encode()


def _event(step: Step, user_id: str, now: datetime) -> dict[str, Any]:
    return {
        "eventId": str(uuid.uuid5(_NAMES, f"{step.correlation_id}/{step.kind.value}/{now.isoformat()}")),
        "eventType": "user.registered",
        "eventVersion": "1.0",
        "timestamp": now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "source": "web-shop",
        "data": {"userId": user_id, "email": step.email, "registrationMethod": "social"},
        "metadata": {"correlationId": step.correlation_id},
    }
