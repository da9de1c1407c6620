"""What ``eventops trace`` may be asked for: where and how to search, and what to do with what is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from eventops.cli.diagnostics import say
from eventops.cli.moments import as_moment
from eventops.cli.numbers import Finite
from eventops.cli.output import Format
from eventops.cli.searching import Size

if TYPE_CHECKING:
    from eventops.trace.model import Question

Command = TypeVar("Command", bound=Callable[..., Any])
FORMS = ("tree", "timeline", "mermaid", "dot", "svg", "html")


def question_options(command: Command) -> Command:
    """Which chain is meant, and where it is looked for."""
    for option in (
        click.option(
            "--follow-causation", is_flag=True, help="Also causes, effects under other correlation ids: one more pass."
        ),
        click.option("--max-bytes", type=Size(), metavar="SIZE", help="Fetch about so much at most: 500MB, 2G."),
        click.option(
            "--engine",
            type=click.Choice(("auto", "scan", "consume", "index")),
            default="auto",
            show_default=True,
            help="scan: raw batches; consume: record by record, slower; both the newest first; auto: scan where it "
            "can be done. index: the context's trace store says where to read, whatever the log's size.",
        ),
        click.option("--until", callback=as_moment, metavar="TIME", help="End there."),
        click.option(
            "--since", callback=as_moment, metavar="TIME", help="Begin there: 1h, 15m, or 2026-01-15T10:30:00Z."
        ),
        click.option(
            "--exclude", multiple=True, metavar="TOPIC", help="Don't look there: a name or a glob; may be repeated."
        ),
        click.option(
            "--topic",
            "topics",
            multiple=True,
            metavar="TOPIC",
            help="Look only there: a name or a glob; may be repeated.",
        ),
        click.argument("identifier", metavar="ID"),
    ):
        command = option(command)
    return command


def way_options(command: Command) -> Command:
    """What is done with the chain."""
    for option in (
        click.option(
            "--audit",
            is_flag=True,
            help="Hold the chain against the spans of the trace store: what is missing on either side, which service "
            "to mend. Exit code 1: findings; 3: the store doesn't answer; 5: nothing could be compared yet.",
        ),
        click.option(
            "--expect",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="Wait for the events that a YAML or JSON file lists; exit code 1 where they don't come in time.",
        ),
        click.option(
            "--quiet",
            type=Finite(0),
            default=30.0,
            metavar="SECONDS",
            show_default=True,
            help="Without news for so long, --follow ends; 0: only Ctrl-C ends it.",
        ),
        click.option(
            "-f",
            "--follow",
            is_flag=True,
            help="Keep the tree live until it is quiet; as ndjson, a line whenever more is known of an event.",
        ),
        click.option(
            "--limit",
            type=click.IntRange(1),
            default=500,
            show_default=True,
            help="Events that tree and pictures show.",
        ),
        click.option("--values", is_flag=True, help="Show payloads (tree, html); JSON always has them."),
    ):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True)
class Way:
    """What is done with the chain, and in which form it is printed. ``quiet`` in seconds."""

    output: str
    follow: bool
    quiet: float
    expect: Path | None
    audit: bool

    @classmethod
    def of(cls, given: dict[str, Any]) -> Way:
        """Of the options."""
        return cls(given["output"], given["follow"], given["quiet"], given["expect"], given["audit"])

    def check(self, question: Question) -> None:
        """
        Raises:
            UsageError: options that don't go together.
        """
        awaits = self.expect is not None
        if self.follow and (question.until or self.output not in ("tree", Format.NDJSON)):
            raise click.UsageError("--follow goes with -o tree or ndjson, and without --until")
        if awaits and (self.follow or question.until):
            raise click.UsageError("--expect waits of its own accord: leave out --follow and --until")
        if self.audit and (self.follow or awaits or self.output in FORMS[1:]):
            raise click.UsageError(
                "--audit is a table or a document of its own: leave out --follow, --expect and pictures"
            )


def question(given: dict[str, Any]) -> Question:
    """What those options ask; an id that will be found everywhere is warned of."""
    from eventops.trace.identifiers import Identifier
    from eventops.trace.model import Question

    identifier = given["identifier"]
    if identifier.strip() and Identifier.of(identifier).is_hopelessly_short:
        say(f"note: {identifier!r} is so short that much of the log holds it: expect a slow search")
    return Question(
        identifier,
        given["topics"],
        given["since"],
        given["until"],
        given["engine"],
        given["follow_causation"] or given["audit"],
        given["exclude"],
        given["max_bytes"],
    )
