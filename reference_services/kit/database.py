"""A service's own database: SQLite beside it, or PostgreSQL by URL, with the kit's tables in it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, ExceptionContext, MetaData, create_engine, event

from reference_services.kit.tracing import Tracing, mark_failed

schema = MetaData()


def open_database(url: str) -> Engine:
    """Connect and create what is missing. Every ``with engine.begin()`` is one transaction; an error of the database
    names its statement, not the values: those are people's."""
    engine = create_engine(url, hide_parameters=True)
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


def trace_queries(engine: Engine, tracing: Tracing) -> None:
    """A span for each statement of a request or a handling. Statements carry placeholders, values stay out of spans.

    OpenTelemetry's own instrumentation doesn't take SQLAlchemy 2.1 yet (0.66b1: below 2.1).
    """

    def before(_connection: Connection, _cursor: Any, statement: str, _values: Any, context: Any, _many: bool) -> None:
        context.query_span = tracing.start_query(engine.dialect.name, statement)

    def after(_connection: Connection, _cursor: Any, _statement: str, _values: Any, context: Any, _many: bool) -> None:
        if context.query_span is not None:
            context.query_span.end()

    def failed(context: ExceptionContext) -> None:
        span = getattr(context.execution_context, "query_span", None)
        if span is not None:
            mark_failed(span, context.original_exception)
            span.end()

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)
    event.listen(engine, "handle_error", failed)
