"""A database for a test, and services on topics and groups of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient
from sqlalchemy import Engine

from reference_services.kit.database import open_database
from reference_services.orders import store as _orders  # noqa: F401 -- its tables belong to the schema
from reference_services.users import store as _users  # noqa: F401
from tests.services.processes import Stack, stack


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A fresh SQLite database."""
    database = open_database(f"sqlite:///{tmp_path / 'service.db'}")
    yield database
    database.dispose()


@pytest.fixture
def prefix(bootstrap_servers: str, unique: Callable[[str], str]) -> Iterator[str]:
    """Stands before the topics and groups of this test; they are deleted afterwards."""
    mine = unique("t") + "-"
    yield mine
    admin = AdminClient({"bootstrap.servers": bootstrap_servers})
    topics = [name for name in admin.list_topics(timeout=10).topics if name.startswith(mine)]
    known = admin.list_consumer_groups().result(timeout=10).valid
    groups = [group.group_id for group in known if group.group_id.startswith(mine)]
    deletions = admin.delete_consumer_groups(groups) if groups else {}
    deletions = deletions | (admin.delete_topics(topics) if topics else {})
    for future in deletions.values():
        future.result(timeout=10)


@pytest.fixture
def services(tmp_path: Path, bootstrap_servers: str, prefix: str) -> Iterator[Stack]:
    """Starts services as processes; they end with the test."""
    with stack(tmp_path, bootstrap_servers, prefix) as started:
        yield started
