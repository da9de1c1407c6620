"""The demo's chain with all spans in a real Jaeger: requests, mails, a letter, its replay; and the log beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from eventops.events import REPLAY_ID, Event, read_event
from eventops.ports import StoredSpan
from tests.cli.running import Shell
from tests.services import kafka
from tests.services.processes import Running, Stack, mail_environ, stack, until
from tests.telemetry.observatory import Observatory

SERVICES: Final = ("user-service", "order-service", "notification-service")
READERS: Final = {
    "user-events": ("notification-group", "order-group"),
    "order-events": ("notification-group", "loyalty-group"),
}
TOPICS: Final = (*READERS, "notification-events")
LETTERS: Final = "user-events-dlt"
CUSTOMERS: Final = 6
REFUSED: Final = "nobody@refused.example"


@dataclass(frozen=True)
class Flow:
    """Six customers registered, ordered and paid; one more has an address that was refused, and its letter was put
    back. ``events`` is the whole log, letters apart."""

    sky: Observatory
    bootstrap: str
    prefix: str
    shell: Shell
    events: tuple[Event, ...]
    letters: tuple[Event, ...]
    spans: tuple[StoredSpan, ...]
    mails: tuple[Mapping[str, str], ...]

    @property
    def sent(self) -> tuple[Event, ...]:
        """What the services sent themselves: eventops, which put one back, sends without spans."""
        return tuple(event for event in (*self.events, *self.letters) if not event.record.header(REPLAY_ID))

    @property
    def deliveries(self) -> list[tuple[Event, str]]:
        """Every event with every group that read it."""
        return [
            (event, self.prefix + group)
            for event in self.events
            for group in READERS.get(event.position.topic.removeprefix(self.prefix), ())
        ]

    @property
    def topics(self) -> list[str]:
        """Options that keep a trace to this flow's topics."""
        return [word for name in TOPICS for word in ("--topic", self.prefix + name)]

    def named(self, operation: str) -> list[StoredSpan]:
        """Spans of one operation of the messaging conventions."""
        return [span for span in self.spans if span.operation == operation]


def correlation(number: int) -> str:
    """Of one customer's requests."""
    return f"req-flow-{number}"


@contextmanager
def flowing(sky: Observatory, home: Path, bootstrap: str, prefix: str) -> Iterator[Flow]:
    """The services have ended, in good order, when the block begins: everything was exported."""
    with stack(home, bootstrap, prefix) as services:
        services.environ |= sky.environ
        mail = services.start("mailserver")
        _work(services, mail, bootstrap, prefix)
        shell = _shell(home, bootstrap, sky.page)
        _put_back(shell, mail, bootstrap, prefix)
        mails = tuple(httpx.get(f"{mail.http}/mails").json())
        for service in services.started[1:]:
            assert service.stop() == 0
    events = tuple(event for topic in TOPICS for event in _log(bootstrap, prefix + topic))
    letters = tuple(_log(bootstrap, prefix + LETTERS))
    handled = sum(len(READERS.get(e.position.topic.removeprefix(prefix), ())) for e in events)
    until(lambda: sum(span.operation == "process" for span in sky.spans(SERVICES)) >= handled)
    yield Flow(sky, bootstrap, prefix, shell, events, letters, tuple(sky.spans(SERVICES)), mails)


def _work(services: Stack, mail: Running, bootstrap: str, prefix: str) -> None:
    users, orders = services.start("users"), services.start("orders")
    services.start("notifications", **mail_environ(mail))
    httpx.post(f"{mail.http}/refuse", json={"pattern": REFUSED}).raise_for_status()
    with httpx.Client(timeout=10) as http:
        for number in range(CUSTOMERS):
            headers = {"X-Correlation-Id": correlation(number)}
            user = http.post(f"{users.http}/users", json={"email": f"c{number}@example.com"}, headers=headers).json()
            order = {"userId": user["userId"], "total": 59.9}
            placed = until(lambda: _created(http.post(f"{orders.http}/orders", json=order, headers=headers)))  # noqa: B023
            http.post(f"{orders.http}/orders/{placed['orderId']}/pay", headers=headers).raise_for_status()
        headers = {"X-Correlation-Id": correlation(CUSTOMERS)}
        http.post(f"{users.http}/users", json={"email": REFUSED}, headers=headers).raise_for_status()
    until(lambda: prefix + LETTERS in kafka.topics(bootstrap) and kafka.size(bootstrap, prefix + LETTERS) == 1)
    until(lambda: kafka.size(bootstrap, f"{prefix}notification-events") == 4 * CUSTOMERS)
    until(lambda: _all_is_handled(bootstrap, prefix))


def _put_back(shell: Shell, mail: Running, bootstrap: str, prefix: str) -> None:
    httpx.delete(f"{mail.http}/refuse").raise_for_status()
    run = shell("dlq", "replay", prefix + LETTERS, "--all", "--execute", "--yes", "-o", "json")
    assert run.returncode == 0, run.stderr
    assert len(json.loads(run.stdout)["targets"]) == 1
    until(lambda: kafka.size(bootstrap, f"{prefix}notification-events") == 4 * CUSTOMERS + 1)
    until(lambda: _all_is_handled(bootstrap, prefix))


def _all_is_handled(bootstrap: str, prefix: str) -> bool:
    """Replays stand in transactions, whose ends take a place in the log: no less than the records are committed."""
    return all(
        kafka.committed(bootstrap, prefix + group, prefix + topic) >= len(_log(bootstrap, prefix + topic))
        for topic, groups in READERS.items()
        for group in groups
    )


def _log(bootstrap: str, topic: str) -> list[Event]:
    return [read_event(record) for record in kafka.whole(bootstrap, topic)]


def _created(answer: httpx.Response) -> dict[str, Any] | None:
    """None while the order-service hasn't heard of the customer."""
    assert answer.status_code in (201, 409), answer.text
    body: dict[str, Any] = answer.json()
    return body if answer.status_code == 201 else None


def _shell(home: Path, bootstrap: str, page: str) -> Shell:
    named = f'"bootstrap.servers" = "{bootstrap}"\n"eventops.jaeger" = "{page}"\n'
    (home / "contexts.toml").write_text(f'current = "lab"\n[contexts.lab]\n{named}')
    return Shell(home)
