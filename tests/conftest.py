"""What tests share: one real Apache Kafka a run, and names that no other test has."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable

import pytest


@pytest.fixture(scope="session")
def bootstrap_servers() -> str:
    """A real broker; ``EVENTOPS_TEST_BOOTSTRAP`` names one that is already up."""
    return os.environ["EVENTOPS_TEST_BOOTSTRAP"]


@pytest.fixture
def unique() -> Callable[[str], str]:
    """Names for topics and groups: readable, and of this test alone."""
    run = uuid.uuid4().hex[:8]
    return lambda name: f"{name}-{run}"
