"""One Jaeger, one collector and one run of the demo's chain for all tests that look at them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from tests.telemetry.flow import Flow, flowing
from tests.telemetry.observatory import Observatory, observatory


@pytest.fixture(scope="session")
def sky(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Observatory]:
    """Skipped aloud where no binaries are named, before a broker is started for nothing."""
    from tests.telemetry.observatory import programs

    programs()
    bootstrap_servers: str = request.getfixturevalue("bootstrap_servers")
    with observatory(tmp_path_factory.mktemp("sky"), bootstrap_servers) as found:
        yield found


@pytest.fixture(scope="session")
def flow(sky: Observatory, tmp_path_factory: pytest.TempPathFactory, bootstrap_servers: str) -> Iterator[Flow]:
    """The demo's chain, from its requests to its mails."""
    with flowing(sky, tmp_path_factory.mktemp("flow"), bootstrap_servers, f"t{uuid.uuid4().hex[:8]}-") as found:
        yield found
