"""Records on the real broker."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.dlq.workshop import Workshop


@pytest.fixture
def workshop(bootstrap_servers: str, unique: Callable[[str], str]) -> Iterator[Workshop]:
    """Real topics, deleted at the end."""
    found = Workshop(bootstrap_servers, unique)
    try:
        yield found
    finally:
        found.close()
