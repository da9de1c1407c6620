"""Screens on the real broker."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from eventops.dlq import ledger
from tests.dlq.workshop import Workshop


@pytest.fixture
def workshop(bootstrap_servers: str, unique: Callable[[str], str]) -> Iterator[Workshop]:
    """Real topics, deleted at the end."""
    found = Workshop(bootstrap_servers, unique)
    try:
        yield found
    finally:
        found.close()


@pytest.fixture
def own_ledger(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> str:
    """The ledger's name while the test runs; the topic isn't there yet."""
    name = workshop.unique("ledger")
    monkeypatch.setattr(ledger, "TOPIC", name)
    monkeypatch.setattr(ledger, "PARTITIONS", 2)
    workshop.forget(name)
    return name
