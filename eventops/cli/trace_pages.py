"""A trace report on paper: every form that ``eventops trace -o`` knows, and what is said about it on stderr."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from eventops.cli.diagnostics import complain, say
from eventops.cli.output import Column, Document, console, print_document, print_table, write
from eventops.wording import instant, plural, safe

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from eventops.trace.drawing import Line, Tone
    from eventops.trace.model import Question, TraceReport


_LINKS: Final = 5


@dataclass(frozen=True, slots=True)
class Paper:
    """How a report is printed. ``limit`` bounds what tree, timeline and pictures show; documents are always whole."""

    output: str
    limit: int
    values: bool

    def print(self, report: TraceReport, now: datetime) -> None:
        """To stdout."""
        from eventops.trace import drawing, graphs, page, picture, timeline

        match self.output:
            case "tree":
                write(drawing.summary(report))
                print_lines(drawing.tree(report, self.limit, values=self.values))
            case "timeline":
                write(drawing.summary(report))
                print_lines(timeline.timeline(report, console().width, self.limit))
            case "mermaid":
                _echo(graphs.mermaid(report, self.limit))
            case "dot":
                _echo(graphs.dot(report, self.limit))
            case "svg":
                _echo(picture.svg(report, self.limit))
            case "html":
                _echo(page.html(report, now, values=self.values, limit=self.limit))
            case _:
                _print_document(report, self.output)


def print_lines(lines: Iterable[Line]) -> None:
    """On a terminal, what doesn't fit goes on below, inside its branch of the tree; elsewhere nothing is broken."""
    screen = console()
    for line in lines:
        for part in painted(line, screen):
            screen.print(part, soft_wrap=True)


def painted(line: Line, screen: Console) -> Iterator[Text]:
    """One line as the rows it takes on that screen."""
    from rich.text import Text

    body = Text.assemble(*((span.text, _style(span.tone)) for span in line.spans))
    if not screen.is_terminal:
        yield Text(line.rails) + body
        return
    for number, part in enumerate(body.wrap(screen, max(screen.width - len(line.under), 20))):
        part.rstrip()
        yield Text.assemble((line.under if number else line.rails, "dim"), part)


def say_what_it_rests_on(report: TraceReport, question: Question) -> None:
    """Coverage, notes and gaps; where nothing was found, what to try."""
    from eventops.trace.drawing import coverage_line

    say(coverage_line(report.coverage))
    for note in report.notes:
        say(f"note: {safe(note)}")
    linked = [link for link in report.traces if link.url is not None]
    for link in linked[:_LINKS]:
        held = "" if link.spans is None else f" ({plural(link.spans, 'span')})"
        say(f"trace {safe(link.trace_id)}{held}: {safe(link.url or '')}")
    if len(linked) > _LINKS:
        say(f"and {plural(len(linked) - _LINKS, 'more trace')}: -o json names all of them")
    for gap in report.coverage.gaps:
        place = gap.subject if gap.partition is None else f"{gap.subject}/{gap.partition}"
        complain(f"not read: {place}: {gap.reason}")
    if not report.events:
        complain(f"no event has the correlation id or event id {question.identifier!r} where was searched")
        say(f"try: {'; '.join(_to_try(question))}")


def _to_try(question: Question) -> Iterator[str]:
    if question.since or question.until:
        yield "a wider --since and --until"
    if question.topics:
        yield "no --topic: all of them are searched then"
    if question.exclude:
        yield "no --exclude"
    yield "the id as another service's log line writes it"
    yield "eventops.ids.* in the context, where producers keep ids in places of their own"


def _echo(lines: Iterable[str]) -> None:
    write("\n".join(lines))


def _print_document(report: TraceReport, output: str) -> None:
    from eventops.dlq.document import letter_document
    from eventops.trace.document import document

    found = document(report, letter_document)
    if output == "table":
        print_table(report.correlation_id, _COLUMNS, found["events"])
    else:
        print_document(found, output, found["events"])


def _style(tone: Tone) -> str:
    return _STYLES[tone.value]


_STYLES: Final = {
    "plain": "",
    "name": "bold",
    "faint": "dim",
    "good": "green",
    "waiting": "yellow",
    "bad": "bold red",
    "odd": "magenta",
}


def _deliveries(row: Document) -> str:
    return ", ".join(f"{one['group']} {one['status'].replace('_', '-')}" for one in row["deliveries"])


_COLUMNS = [
    Column("time", lambda row: instant(datetime.fromisoformat(row["timestamp"])) if row["timestamp"] else "?"),
    Column("event", lambda row: "  " * min(row["depth"] - 1, 16) + (row["event_type"] or "(no type)")),
    Column("source", lambda row: row["source"] or "?"),
    Column("at", lambda row: f"{row['topic']}/{row['partition']}/{row['offset']}"),
    Column("deliveries", _deliveries, wrap=True),
]
