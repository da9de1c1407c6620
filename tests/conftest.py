"""What tests share: one real Apache Kafka a run, and names that no other test has."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Callable, Iterator

import pytest

from eventops.bootstrap import local_kafka


def pytest_configure() -> None:
    """A suite that a shell started in the background ignores Ctrl-C, and so would every process that it starts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def bootstrap_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real broker: the one that ``EVENTOPS_TEST_BOOTSTRAP`` names, else one of our own that ends with the run."""
    if named := os.environ.get("EVENTOPS_TEST_BOOTSTRAP"):
        yield named
        return
    with local_kafka().ephemeral(tmp_path_factory.mktemp("kafka")) as servers:
        yield servers


@pytest.fixture
def unique() -> Callable[[str], str]:
    """Names for topics and groups: readable, and of this test alone."""
    run = uuid.uuid4().hex[:8]
    return lambda name: f"{name}-{run}"
