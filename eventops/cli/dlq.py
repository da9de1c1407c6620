"""``eventops dlq``: list, inspect and export dead letters; :mod:`.dlq_replay` puts them back or writes them off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from eventops.cli import dlq_letter, dlq_pages
from eventops.cli.dlq_families import families, rules
from eventops.cli.dlq_options import (
    end,
    position,
    reading_letters,
    say_unjudged,
    selection,
    selection_options,
    where_option,
)
from eventops.cli.dlq_replay import discard, replay, restore
from eventops.cli.lazy import DefaultGroup
from eventops.cli.options import cluster_options, pass_desk, program
from eventops.cli.output import output_option, print_document

if TYPE_CHECKING:
    from eventops.bootstrap import Desk
    from eventops.dlq.conditions import LetterCondition
    from eventops.dlq.model import Letter


SHOWN = 500
"""Letters of a topic that are shown where no limit is given."""


@click.group(
    cls=DefaultGroup, default="list", epilog="Example: eventops dlq replay orders-dlt --cause SMTPRecipientsRefused"
)
@cluster_options
def dlq() -> None:
    """Dead letters: list, inspect, replay exactly once."""


@dlq.command("list", epilog="Example: eventops dlq list -o json")
@where_option
@output_option()
@pass_desk
def list_topics(desk: Desk, output: str, where: LetterCondition | None) -> None:
    """Dead-letter topics with counts, age and rate; exit code 1 where letters remain.

    Letters remain that are open, and those that failed again after a replay, which are counted apart here; what the
    dashboard calls open is both together.
    """
    from eventops.dlq.document import list_document

    with reading_letters(desk) as letters:
        report = letters.list(desk.now(), where)
    say_unjudged(where)
    document = list_document(report)
    if output == "table":
        dlq_pages.print_topics(document)
    else:
        print_document(document, output, document["topics"])
    end(found=any(topic.open for topic in report.topics), complete=report.coverage.complete)


@dlq.command(
    "groups",
    epilog="Examples: eventops dlq groups orders-dlt --since 2h · "
    "eventops dlq groups orders-dlt --where 'attempts > 3 && value.data.total > 100'",
)
@selection_options
@output_option()
@pass_desk
def groups(desk: Desk, topic: str, output: str, **chosen: Any) -> None:
    """Letters of TOPIC by cause and consumer group: how many, since when, of how many keys, poison pill or outage.

    A cause is the root exception, the first frame of our own code, and the message without ids, numbers, addresses and
    times. Its id goes with --cause. Nobody dealt with what is open or failed again; the two are counted apart.
    """
    from eventops.dlq.document import causes_document

    with reading_letters(desk) as letters:
        report = letters.causes(selection(topic, **chosen), desk.now())
    say_unjudged(chosen["where"])
    document = causes_document(report)
    if output == "table":
        dlq_pages.print_causes(document)
    else:
        print_document(document, output, document["causes"])
    end(found=any(cause.open for cause in report.causes), complete=report.coverage.complete)


@dlq.command("show", epilog="Examples: eventops dlq show orders-dlt · eventops dlq show orders-dlt/0/41 --trace")
@selection_options
@click.option("--full", is_flag=True, help="The whole stack trace and payload of one letter.")
@click.option("--trace", "with_trace", is_flag=True, help="Then the chain that one letter's event belongs to.")
@output_option()
@pass_desk
def show(desk: Desk, topic: str, output: str, *, full: bool, with_trace: bool, **chosen: Any) -> None:
    """Letters of TOPIC, or one letter TOPIC/PARTITION/OFFSET: headers decoded, stack trace folded, payload, every
    hop.

    Of a topic the first 500 are shown unless --limit says otherwise; `dlq export` has any number.
    """
    from eventops.dlq.document import letter_document, letters_document

    if "/" in topic:
        if any(chosen.values()):
            raise click.UsageError("options that choose letters go with a topic, not with one letter's position")
        letter, gaps = desk.dlq.letter(position(topic))
        if output == "table":
            dlq_letter.print_letter(letter, letter_document(letter), desk.dlq.own_code, full=full)
            _lead_to_trace(desk, letter, follow=with_trace)
        else:
            print_document(letter_document(letter), output, [letter_document(letter)])
        end(found=False, complete=not gaps)
    if full or with_trace:
        raise click.UsageError("--full and --trace are about one letter: name it as TOPIC/PARTITION/OFFSET")
    with reading_letters(desk) as letters:
        report = letters.letters(selection(topic, **{**chosen, "limit": chosen["limit"] or SHOWN}), desk.now())
    say_unjudged(chosen["where"])
    dlq_pages.say_how_many(report, limited=chosen["limit"] is not None)
    document = letters_document(report)
    if output == "table":
        dlq_pages.print_letters(document)
    else:
        print_document(document, output, document["letters"])
    end(found=not report.letters, complete=report.coverage.complete)


@dlq.command("export", epilog="Example: eventops dlq export orders-dlt --cause NoStock > letters.ndjson")
@selection_options
@click.option("-o", "--output", type=click.Choice(["ndjson", "csv"]), default="ndjson", show_default=True)
@pass_desk
def export(desk: Desk, topic: str, output: str, **chosen: Any) -> None:
    """Letters of TOPIC as NDJSON or CSV, in log order, as they are read: any number takes little memory.

    Keys, values and headers are text where they are UTF-8 and base64 where not; a field beside each says which.
    """
    from eventops.cli.dlq_export import write

    number, coverage = write(desk.dlq.export(selection(topic, **chosen)), output)
    say_unjudged(chosen["where"])
    for gap in coverage.gaps if coverage else ():
        dlq_pages.say_gap(gap.subject, gap.partition, gap.reason)
    end(found=not number, complete=coverage is None or coverage.complete)


@dlq.command(
    "history", epilog="Examples: eventops dlq history orders-dlt · eventops dlq history --run 4b0c91d7 -o json"
)
@click.argument("topic", required=False)
@click.option(
    "--run",
    "runs",
    multiple=True,
    metavar="ID",
    help="What that run did; the beginning of its id is enough. May be repeated.",
)
@click.option("--limit", type=click.IntRange(min=1), help="At most so many, the newest first.")
@output_option()
@pass_desk
def history(desk: Desk, topic: str | None, runs: tuple[str, ...], limit: int | None, output: str) -> None:
    """What was replayed, discarded, restored and parked: when, by whom, why; newest first.

    What was put back has passed (the group that had failed went past it, and no letter came back), is pending, or
    failed again; unknown where that can't be told. Exit code 1: nothing was done yet.
    """
    from eventops.dlq.replay_document import history_document

    beginnings = tuple(run.strip().removesuffix("…") for run in runs)
    if not all(beginnings):
        raise click.UsageError("which run? --run takes its id, or how that begins")
    rows, gaps = desk.dlq.history(topic)
    rows = tuple(row for row in rows if not runs or row.run_id.startswith(beginnings))[:limit]
    fates, unread = desk.dlq.fates(rows)
    document = history_document(topic, rows, fates, gaps + unread)
    if output == "table":
        dlq_pages.print_history(document)
    else:
        print_document(document, output, document["rows"])
    end(found=not rows, complete=not gaps + unread)


def _lead_to_trace(desk: Desk, letter: Letter, *, follow: bool) -> None:
    identifier = letter.event.ids.correlation_id or letter.event.ids.event_id
    if identifier is None:
        dlq_letter.print_no_trace()
    elif not follow:
        dlq_letter.print_trace_hint(program(), identifier)
    else:
        from eventops.trace.model import Question

        dlq_letter.print_trace(desk.trace.trace(Question(identifier), desk.now()))


dlq.add_command(replay)
dlq.add_command(discard)
dlq.add_command(restore)
dlq.add_command(families)
dlq.add_command(rules)
