"""``eventops trace ID --audit``: what the log holds against what the trace store holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventops.cli.diagnostics import say
from eventops.cli.output import Column, Document, Format, console, print_document, print_table
from eventops.cli.searching import Interruption
from eventops.config import NAME_A_STORE
from eventops.errors import ExitCode, UsageError
from eventops.wording import count, plural, safe

if TYPE_CHECKING:
    from eventops.bootstrap import Desk
    from eventops.ports import TraceStore
    from eventops.trace.model import Question, TraceReport


def audit(desk: Desk, question: Question, output: str) -> ExitCode:
    """Searches the chain, holds it against the store's spans, and prints what came of it: a finding is exit code 1, and
    where nothing could be compared nobody knows whether tracing is in order, which is 5.

    Raises:
        StoreUnavailable: the store doesn't answer.
        UsageError: the context names no store.
    """
    from eventops.cli import trace_pages
    from eventops.cli.trace_search import search

    store = _store_of(desk)
    with Interruption() as interruption:
        report = search(desk, question, interruption)
    found = _print(desk, report, store, output if output in set(Format) else Format.TABLE)
    trace_pages.say_what_it_rests_on(report, question)
    interruption.pass_on()
    return found


def _store_of(desk: Desk) -> TraceStore:
    """
    Raises:
        UsageError: the context names none.
    """
    if desk.trace_store is None:
        raise UsageError(
            "there are no spans to compare with",
            remedy=NAME_A_STORE,
        )
    return desk.trace_store


def _print(desk: Desk, report: TraceReport, store: TraceStore, output: str) -> ExitCode:
    from eventops.trace.auditing import document

    found = document(desk.trace.audit(report, desk.now()), report, store)
    if output == Format.TABLE:
        if found["findings"]:
            print_table("What to mend in tracing", _COLUMNS, found["findings"])
        for line in _closing(found):
            console().print(safe(line), soft_wrap=True, markup=False, highlight=False)
    else:
        print_document(found, output, found["findings"])
    if not found["events"] and not found["findings"]:
        say("no event was compared: " + ("its spans may still be on their way" if found["settling"] else "see above"))
    if found["events"] and not found["spans"]:
        say(
            f"the store holds no span of {_these(found['events'])}: its retention may be shorter than the log's, it "
            f"may be another store than the services', or none of them exports; nothing was compared"
        )
    if not report.coverage.complete:
        return ExitCode.PARTIAL
    if found["findings"] or not report.events:
        return ExitCode.FINDING
    return ExitCode.DONE if found["events"] and found["spans"] else ExitCode.PARTIAL


def _these(events: int) -> str:
    return f"these {count(events)} events" if events > 1 else "this event"


def _closing(found: Document) -> list[str]:
    summary = (
        f"{found['sent']} of {plural(found['events'], 'event')} have the span of their sending, {found['handled']} of "
        f"{plural(found['deliveries'], 'delivery', 'deliveries')} that of their handling; "
        f"{plural(found['spans'], 'span')} of {found['store']}"
    )
    lines = [summary]
    if found["settling"]:
        lines.append(f"{plural(found['settling'], 'event')} younger than 15 s: not judged yet")
    if found["unsampled"]:
        lines.append(f"{plural(found['unsampled'], 'event')} that their producers didn't sample: not judged")
    if found["services"]:
        named = (f"{one['service'] or '(unknown)'} ({one['findings']})" for one in found["services"])
        lines.append(f"to mend: {', '.join(named)}")
    return lines


_COLUMNS = [
    Column("fault", lambda row: row["kind"].replace("_", " ")),
    Column("service", lambda row: row["service"] or "?"),
    Column("at", lambda row: f"{row['topic']}/{row['partition']}/{row['offset']}" if row["topic"] else "?", spare=1),
    Column("event", lambda row: row["event_id"] or "?", spare=2),
    Column("why", lambda row: row["detail"], wrap=True),
]
