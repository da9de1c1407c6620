"""Putting a group's committed offsets elsewhere: the plan first, then an explicit yes, then the proof."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import ClassVar, Final

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from eventops.errors import reason_of
from eventops.events import Partition
from eventops.groups.model import Kind, Move, ResetPlan, ResetReport, Scope, Target
from eventops.groups.reset import ABSENT, NoSuchGroup
from eventops.tui import messages, quoting, reset_text
from eventops.tui.confirming import MANY, ConfirmingPage, Phase, typable
from eventops.tui.palette import BAD, FAINT, GOOD, WARN
from eventops.tui.quoting import program, shell_line
from eventops.tui.records import about
from eventops.tui.target import Target as Aim
from eventops.tui.widgets.lines import Said
from eventops.tui.widgets.table import Table
from eventops.wording import count, plural, safe


class ResetPage(ConfirmingPage):
    """One reset from plan to result. Whole topics, or the partitions that were marked."""

    section = "lag"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("x", "confirm", "execute the plan, after a typed confirmation")]

    def __init__(
        self, group: str, target: Target, partitions: Sequence[Partition] = (), plan: ResetPlan | None = None
    ) -> None:
        """``plan``: one that is made already; else it is made when the screen opens."""
        super().__init__()
        self.group = group
        self.phase = Phase.PLANNING if plan is None else Phase.PLANNED
        self._target = target
        self._topics = _by_topic(partitions)
        self._report: ResetReport | None = None if plan is None else ResetReport(plan)

    @property
    def words(self) -> tuple[str, ...]:
        """The command that plans the same: never one that would write."""
        named = [f"{topic}:{','.join(map(str, numbers))}" for topic, numbers in self._topics.items()]
        if self._target.kind is Kind.FILE:
            what: list[str] = []
        else:
            what = [word for name in named for word in ("--topic", name)] or ["--all-topics"]
        return ("groups", "reset", *quoting.about(self.group, *what, "--to", self._target.text))

    @property
    def crumbs(self) -> tuple[str, ...]:
        """The group."""
        return (self.group, "reset")

    @property
    def shown_keys(self) -> Sequence[tuple[str, str]]:
        """Only those that do something now: while it writes, it is waited for."""
        if self.is_writing:
            return ()
        if self.phase is Phase.PLANNED and self.is_ready:
            if self.desk.context.read_only:
                return (("Esc", "back; this context is read-only"),)
            return (("x", "execute"), ("Esc", "leave, nothing is written"))
        anew = (("r", "plan anew"),) if self.phase is Phase.FAILED else ()
        return (*anew, ("Esc", "back"))

    @property
    def is_ready(self) -> bool:
        """Something moves, and nothing stands in the way."""
        plan = self._plan
        if plan is None or plan.refused or plan.group.members:
            return False
        return any(move.before != move.after for move in plan.moves)

    @property
    def password(self) -> str:
        """A yes, or the group's name where many records are skipped or read again."""
        many = self._plan is not None and reset_text.touched(self._plan) > MANY
        return typable(self.group, "reset") if many else "yes"

    @property
    def deed(self) -> str:
        """In the line that asks."""
        moves = self._plan.moves if self._plan else ()
        return f"set the offsets of {safe(self.group, 60)} on {plural(len(moves), 'partition')}"

    @property
    def answered_at(self) -> datetime | None:
        """When the plan was made."""
        return None if self._plan is None else self._plan.as_of

    @property
    def _plan(self) -> ResetPlan | None:
        return None if self._report is None else self._report.plan

    def body(self) -> Iterator[Widget]:
        """What it comes to, over each partition's way."""
        yield Said(id="outcome")
        yield Table(
            "Partitions",
            reset_text.move_columns(self._read_back),
            lambda row: str(row.partition),
            empty="Nothing moves.",
            name="moves",
        )

    def on_mount(self) -> None:
        """Plan at once; it only reads."""
        if self._report is None:
            self._make_plan()

    def _make_plan(self) -> None:
        self._report, self._trouble, self.phase = None, None, Phase.PLANNING
        desk, scope = self.desk, Scope(self._topics, all_topics=not self._topics)

        def plan() -> None:
            try:
                found = desk.reset.plan(self.group, scope, self._target, desk.now())
            except NoSuchGroup as error:
                self.post_message(messages.Unplanned(f"{error.what}: {_NOT_HERE}"))
            except Exception as error:  # noqa: BLE001 - told on the screen, which stays
                self.post_message(messages.Unplanned(reason_of(error)))
            else:
                self.post_message(messages.ResetTold(ResetReport(found)))

        self.run_worker(plan, thread=True, name="plan", group="plan", exclusive=True, exit_on_error=False)

    def on_reset_told(self, message: messages.ResetTold) -> None:
        """A plan, or what became of it."""
        self._report = message.report
        self.phase = Phase.DONE if message.report.executed else Phase.PLANNED
        if message.report.executed:
            done, planned = self._done, len(message.report.plan.moves)
            told = reset_text.in_a_line(done, planned)
            self._tell_elsewhere(f"{self.name_of_deed}: {told}", self.phase.value, is_fine=done == planned)
        self.refresh_all()

    def execute(self) -> None:
        """All of it, in a worker; nothing is known of it before it has ended."""
        plan, desk = self._plan, self.desk
        assert plan is not None

        def reset() -> None:
            try:
                found = desk.reset.execute(plan)
            except Exception as error:  # noqa: BLE001 - told on the screen, which stays
                self.post_message(messages.BrokeOff(reason_of(error)))
            else:
                self.post_message(messages.ResetTold(found))

        self.run_worker(reset, thread=True, name="reset", group="reset", exit_on_error=False)

    def back(self) -> bool:
        """It isn't left while it writes."""
        if self.is_writing:
            self.notify(f"{self._cannot_be_stopped}; other screens can be opened meanwhile", markup=False)
            return True
        return super().back()

    @property
    def name_of_deed(self) -> str:
        """The group."""
        return f"Reset of {safe(self.group, 80)}"

    @property
    def sign(self) -> Text:
        """Since when nobody has answered; how far it is, only the broker knows."""
        return reset_text.sign(self.group, self._waited, self.app.size.width)

    def stop_writing(self) -> str | None:
        """It can't be: that is told once."""
        if not self.is_writing or self._is_warned:
            return None
        self._is_warned = True
        return self._cannot_be_stopped

    @property
    def _cannot_be_stopped(self) -> str:
        return f"the reset of {safe(self.group, 80)} can't be stopped: its offsets are on their way to the broker"

    @property
    def parting(self) -> str:
        """The group itself tells."""
        shows = shell_line([*program(self.desk.context), "groups", "show", *quoting.about(self.group)])
        return f"left before the broker answered: whether the offsets were set, this tells: {shows}"

    @property
    def why_not_suspended(self) -> str:
        """Its answer would be waited for by nobody."""
        return f"{self._cannot_be_stopped}; wait until it has ended"

    @property
    def _waited(self) -> float:
        """Seconds since it was confirmed."""
        return 0.0 if self._began is None else (self.desk.now() - self._began).total_seconds()

    @property
    def _done(self) -> int:
        """Partitions whose offset was read back as planned."""
        return sum(map(self._is_done, self._plan.moves)) if self._plan is not None else 0

    def target(self) -> Aim | None:
        """The record at the new offset of the partition under the cursor."""
        row: Move | None = self.query_one("#moves", Table).current
        return None if row is None or row.record is None else about(self.desk.reader(row.record))

    def paint(self) -> None:
        """What it comes to, and the ways."""
        self.query_one("#outcome", Static).update(self._told())
        plan = self._plan
        self.query_one("#moves", Table).show(None if plan is None else plan.moves)

    def _read_back(self, move: Move) -> Text:
        report = self._report
        if report is None or report.read_back is None:
            return Text()
        if (why := report.refusals.get(move.partition)) is not None:
            return Text(f"✗ {safe(why, 100)}", BAD)
        held = report.read_back.get(move.partition)
        return Text("✓ read back", GOOD) if held == move.after else Text(f"✗ the broker holds {count(held)}", BAD)

    def _told(self) -> Text:
        text = Text()
        text.append(f"{safe(self.group, 80)} to {safe(self._target.text, 60)}", "bold")
        text.append(f"   {self.phase.value}\n", FAINT)
        plan = self._plan
        if plan is None:
            return text
        self._tell_effect(text, plan)
        if plan.group.state == ABSENT:
            text.append("  the group doesn't exist\n", WARN)
        for warning in plan.warnings:
            text.append(f"  ▲ {safe(warning)}\n", WARN)
        for refusal in plan.refused[:_REFUSALS]:
            place = refusal.topic if refusal.partition is None else f"{refusal.topic}/{refusal.partition}"
            text.append(f"  ✗ {safe(place, 80)}: {safe(refusal.reason, 200)}\n", BAD)
        return text

    def _tell_effect(self, text: Text, plan: ResetPlan) -> None:
        """What the group misses and does twice: of a plan what it would, of what was done where it was read back."""
        if self.is_writing:
            text.append(f"  {reset_text.under_way(self._waited)}\n", WARN)
        if self.phase is Phase.FAILED:
            text.append("  it isn't known whether anything was written: r looks where the group stands now\n", WARN)
            return
        if self.phase is Phase.PLANNED and plan.moves and all(move.before == move.after for move in plan.moves):
            text.append("  every offset is there already: nothing to write\n", WARN)
            return
        moves = [move for move in plan.moves if self.phase is not Phase.DONE or self._is_done(move)]
        skipped, again = reset_text.sums(moves)
        text.append(f"  {count(skipped)} offsets skipped: never consumed by it\n", WARN if skipped else FAINT)
        text.append(f"  {count(again)} offsets read again: handled twice\n", WARN if again else FAINT)

    def _is_done(self, move: Move) -> bool:
        report = self._report
        return (
            report is not None
            and report.read_back is not None
            and (move.partition not in report.refusals and report.read_back.get(move.partition) == move.after)
        )


_REFUSALS: Final = 5
_NOT_HERE: Final = "it is gone; a reset would make it anew, which only the command below does, with --create behind it"


def _by_topic(partitions: Sequence[Partition]) -> dict[str, tuple[int, ...]]:
    """
    >>> _by_topic([Partition("orders", 2), Partition("users", 0), Partition("orders", 0)])
    {'orders': (0, 2), 'users': (0,)}
    """
    found: dict[str, tuple[int, ...]] = {}
    for one in sorted(partitions):
        found[one.topic] = (*found.get(one.topic, ()), one.partition)
    return found
