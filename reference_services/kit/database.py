"""A service's own database: SQLite beside it, or PostgreSQL by URL, with the kit's tables in it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, MetaData, create_engine, event

schema = MetaData()


def open_database(url: str) -> Engine:
    """Connect and create what is missing. Every ``with engine.begin()`` is one transaction."""
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    schema.create_all(engine)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """A write-ahead log lets readers and one writer work side by side; transactions are begun by us, not by sqlite3."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "busy_timeout=10000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock at once: a transaction that reads first and writes later would fail where another wrote."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")
