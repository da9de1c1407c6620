"""What was committed is published, in order a key, whatever dies in between."""

from __future__ import annotations

import signal
import socket
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from eventops.events import Record, read_event
from tests.services import kafka
from tests.services.processes import Running, Stack, until

pytestmark = pytest.mark.broker

LIFE = ("user.registered", "user.passwordReset", "user.passwordReset")


def register_and_reset(users: Running, number: int) -> str:
    """One user's id, after a registration and two password resets."""
    with httpx.Client(base_url=users.http, timeout=10) as http:
        answer = http.post("/users", json={"email": f"user{number}@example.com"})
        assert answer.status_code == 201
        user_id: str = answer.json()["userId"]
        for _ in range(2):
            assert http.post(f"/users/{user_id}/password-reset").status_code == 202
    return user_id


def first_sightings(records: list[Record]) -> dict[str, tuple[str, ...]]:
    """Event types by key, each event once, in the order in which it first appeared."""
    seen: set[str | None] = set()
    by_key: dict[str, tuple[str, ...]] = {}
    for record in records:
        ids = read_event(record).ids
        if ids.event_id not in seen:
            seen.add(ids.event_id)
            key = (record.key or b"").decode()
            by_key[key] = (*by_key.get(key, ()), ids.event_type or "")
    return by_key


@pytest.mark.faults
def test_killed_between_commit_and_publish_the_events_arrive_after_the_restart(
    services: Stack, bootstrap_servers: str, prefix: str
) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        unreachable = f"127.0.0.1:{nobody.getsockname()[1]}"
        users = services.start("users", KAFKA_BOOTSTRAP_SERVERS=unreachable)
        with ThreadPoolExecutor(4) as callers:
            ids = list(callers.map(lambda number: register_and_reset(users, number), range(4)))
        users.stop(signal.SIGKILL)
    services.start("users")
    topic = f"{prefix}user-events"
    until(lambda: topic in kafka.topics(bootstrap_servers))
    records = kafka.read(bootstrap_servers, topic, 12)
    assert first_sightings(records) == dict.fromkeys(ids, LIFE)


@pytest.mark.faults
def test_killed_again_and_again_under_load_nothing_is_lost_or_out_of_order(
    services: Stack, bootstrap_servers: str, prefix: str
) -> None:
    ids: list[str] = []
    for start in range(3):
        users = services.start("users")
        ids += [register_and_reset(users, 10 * start + number) for number in range(10)]
        users.stop(signal.SIGKILL)
    assert services.start("users").stop(signal.SIGTERM) == 0, "a graceful end drains the outbox"
    topic = f"{prefix}user-events"
    records = kafka.read(bootstrap_servers, topic, kafka.size(bootstrap_servers, topic))
    assert first_sightings(records) == dict.fromkeys(ids, LIFE)
