"""What the trace screen says of a search: before it, while it goes on, at its end."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from eventops.ports import Coverage
from eventops.trace.drawing import summary
from eventops.trace.model import DeadLetter, Found, Hop, TraceReport
from eventops.tui.palette import ACCENT, FAINT, GOOD, WARN
from eventops.wording import count, duration, plural, safe


def found(report: TraceReport, *, is_followed: bool) -> Text:
    """The chain in one line."""
    name, _, rest = summary(report).rpartition(": ")
    following = ("   ● following", GOOD) if is_followed else ""
    return Text.assemble((name, f"bold {ACCENT}"), following, f"   {rest}")


def under_way(identifier: str, so_far: Found | None, waited: float, *, is_failed: bool) -> Text:
    """How far it is after ``waited`` seconds."""
    name = (safe(identifier, 60), f"bold {ACCENT}")
    if is_failed:
        return Text.assemble(name, ("   not searched", WARN))
    return Text.assemble(name, (f"   {_progress(so_far, waited)}", FAINT))


def hints(earlier: Sequence[str], found_in: Coverage | None) -> Text:
    """What to do where no chain is shown; the ids that were searched before. ``found_in``: where nothing was found."""
    text = Text()
    if found_in is not None and not found_in.partitions_total:
        text.append("There was nothing to search: no topic here, or none that you may read.\n\n")
    elif found_in is not None and not found_in.complete:
        text.append("It isn't in what could be read; what couldn't is named above.\n\n")
    elif found_in is not None:
        text.append("No event has that correlation id or event id in what the log still keeps.\n\n")
    text.append("s", f"bold {ACCENT}").append("  search a correlation id, or the id of any event of the chain\n", FAINT)
    text.append("4", f"bold {ACCENT}").append("  choose a dead letter; Enter on it leads to its request\n", FAINT)
    if earlier:
        text.append("\nearlier in this run\n", "bold")
        text.append("".join(f"  {safe(one, 60)}\n" for one in earlier))
    return text


def _progress(so_far: Found | None, waited: float) -> str:
    if so_far is None:
        return f"asking the cluster … {duration(float(int(waited)))}"
    share = f"{min(100 * so_far.records // max(so_far.expected, 1), 100)} %"
    return f"{share} of {count(so_far.expected)} offsets read, {plural(so_far.events, 'event')} so far"


def link(report: TraceReport | None, hop: Hop | None) -> str | None:
    """The page of the event's own trace, else of one of the chain; None: no store has any."""
    links = report.traces if report is not None else ()
    own = [one for one in links if hop is not None and one.trace_id == hop.event.ids.trace_id]
    return next((one.url for one in (*own, *links) if one.url), None)


def letters(report: TraceReport, hop: Hop) -> list[DeadLetter]:
    """Of the event, else of the chain; those nobody dealt with first."""
    found = hop.dead_letters or [letter for one in report.events for letter in one.dead_letters]
    return sorted(found, key=lambda letter: letter.is_replayed)
