"""A home of its own for each test, with Kafka's jars from the usual place: they are fetched once."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from eventops.adapters.kafka.probe import answers
from eventops.bootstrap import local_kafka
from eventops.local import ports
from eventops.local.service import LocalKafka

Eventually = Callable[[Callable[[], bool]], None]


@pytest.fixture(scope="session")
def software() -> Path:
    """Where the jars are, in every home under this name."""
    return local_kafka().install().libs.parents[1]


@pytest.fixture
def home(tmp_path: Path, software: Path) -> Path:
    """Its name is one that Java would get wrong unless told with care."""
    home = tmp_path / "höme of ✉"
    home.mkdir()
    (home / "kafka").symlink_to(software)
    return home


@pytest.fixture
def kafka(home: Path) -> Iterator[LocalKafka]:
    """A local Kafka that is ended with the test."""
    local = LocalKafka(home, home / "contexts.toml", answers)
    try:
        yield local
    finally:
        local.down()


@pytest.fixture
def environ(home: Path) -> dict[str, str]:
    """For commands run as a user would, in the test's home."""
    return {**os.environ, "EVENTOPS_HOME": str(home), "PYTHONPATH": str(Path(__file__).parents[2])}


@pytest.fixture
def port() -> int:
    return ports.any_free(1)[0]


@pytest.fixture
def eventually() -> Eventually:
    """Wait until something is true."""

    def wait(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < deadline, "it never came true"
            time.sleep(0.02)

    return wait
