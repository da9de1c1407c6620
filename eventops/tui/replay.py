"""Putting letters back: the plan first, then an explicit yes, then the transactions one by one, then what was done."""

from __future__ import annotations

import shlex
import threading
import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import ClassVar, Final

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import ProgressBar, Static

from eventops.dlq import telling
from eventops.dlq.command import of_plan
from eventops.dlq.model import Selection
from eventops.dlq.replay_document import replay_document
from eventops.dlq.replay_model import Plan, Planned, ReplayReport, Step
from eventops.errors import reason_of
from eventops.tui import messages
from eventops.tui.confirming import MANY, ConfirmingPage, Phase
from eventops.tui.palette import BAD, FAINT, GOOD, WARN
from eventops.tui.quoting import program, shell_line
from eventops.tui.widgets.lines import Said
from eventops.tui.widgets.table import Column, Table
from eventops.wording import plural, safe

_TARGETS: Final[Sequence[Column[Planned]]] = (
    Column("letter", lambda row: f"{row.letter.position.partition}/{row.letter.position.offset}"),
    Column("becomes in", lambda row: _target(row), is_flexible=True),
    Column("taken from", lambda row: f"the {row.taken_from}", from_width=80),
    Column("event", lambda row: row.letter.event.ids.event_type or "?", is_flexible=True, from_width=60),
    Column("correlation id", lambda row: row.letter.event.ids.correlation_id or "?", is_flexible=True, from_width=100),
)


def _target(row: Planned) -> str:
    return row.target_topic if row.target_partition is None else f"{row.target_topic}/{row.target_partition}"


class ReplayPage(ConfirmingPage):
    """One replay from plan to result."""

    section = "dlq"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "confirm", "execute the plan, after a typed confirmation"),
        Binding("c", "cancel", "while it runs: stop after the transaction in hand"),
    ]

    def __init__(self, selection: Selection, plan: Plan | None = None) -> None:
        """``plan``: one that is made already; else it is made when the screen opens."""
        super().__init__()
        self.phase = Phase.PLANNING if plan is None else Phase.PLANNED
        self._selection = selection
        self._plan = plan
        self._step: Step | None = None
        self._report: ReplayReport | None = None
        self._stop = threading.Event()

    @property
    def words(self) -> tuple[str, ...]:
        """The command that executes the same plan."""
        if self._plan is None:
            return ("dlq", "replay", self._selection.topic)
        words = shlex.split(of_plan(self._plan, "eventops"))[1:]
        return tuple(words if self.phase is not Phase.PLANNED else words[:-1])

    @property
    def crumbs(self) -> tuple[str, ...]:
        """The topic."""
        return (self._selection.topic, "replay")

    @property
    def shown_keys(self) -> Sequence[tuple[str, str]]:
        """Only those that do something now."""
        if self.phase is Phase.PLANNED and self._plan is not None and self._plan.planned:
            if self.shell.desk.context.read_only:
                return (("Esc", "back; this context is read-only"),)
            return (("x", "execute"), ("Esc", "leave, nothing is written"))
        if self.is_writing:
            return (("c", "cancel after this transaction"),)
        return (("Esc", "back"),)

    def body(self) -> Iterator[Widget]:
        """Figures, progress, and each letter's target."""
        yield Said(id="outcome")
        yield ProgressBar(id="progress", show_eta=False)
        yield Table(
            "What would be appended",
            _TARGETS,
            lambda row: str(row.letter.position),
            empty="Nothing to put back.",
            name="targets",
        )

    def on_mount(self) -> None:
        """Plan at once; it only reads."""
        super().on_mount()
        desk, selection = self.shell.desk, self._selection

        def plan() -> None:
            try:
                found = desk.dlq.plan(selection, desk.now(), str(uuid.uuid4()))
            except Exception as error:  # noqa: BLE001 - told on the screen, which stays
                self.post_message(messages.Unplanned(reason_of(error)))
            else:
                self.post_message(messages.PlanMade(found))

        if self._plan is None:
            self.run_worker(plan, thread=True, name="plan", group="plan", exclusive=True, exit_on_error=False)

    def on_unmount(self) -> None:
        """Nothing goes on writing that nobody sees."""
        self._stop.set()

    @property
    def answered_at(self) -> datetime | None:
        """When the plan was made."""
        return None if self._plan is None else self._plan.as_of

    def on_plan_made(self, message: messages.PlanMade) -> None:
        """Show it and wait."""
        self._plan, self.phase = message.plan, Phase.PLANNED
        self.refresh_all()

    @property
    def is_ready(self) -> bool:
        """Letters would be put back."""
        return self._plan is not None and bool(self._plan.planned)

    @property
    def password(self) -> str:
        """More for more: the topic's name."""
        many = self._plan is not None and len(self._plan.planned) > MANY
        return self._selection.topic if many else "yes"

    @property
    def deed(self) -> str:
        """In the line that asks."""
        return f"put {plural(len(self._plan.planned) if self._plan else 0, 'letter')} back"

    def execute(self) -> None:
        """Transaction by transaction, in a worker."""
        plan, desk = self._plan, self.shell.desk
        assert plan is not None
        self.shell.writer = self
        called = shell_line(program(desk.context))

        def replay() -> None:
            try:
                for step in desk.dlq.execute(plan, is_stopped=self._stop.is_set, now=desk.now, program=called):
                    self.post_message(messages.Stepped(step))
            except Exception as error:  # noqa: BLE001 - told on the screen, which stays
                self.post_message(messages.BrokeOff(reason_of(error)))

        self.run_worker(replay, thread=True, name="replay", group="replay", exit_on_error=False)

    def on_stepped(self, message: messages.Stepped) -> None:
        """One more transaction is committed."""
        self._step = message.step
        if message.step.report is not None:
            self._report, self.phase = message.step.report, Phase.DONE
        self.refresh_all()

    def action_cancel(self) -> None:
        """Between two transactions."""
        if self.phase is Phase.RUNNING:
            self._stop.set()
            self.phase = Phase.STOPPING
            self.refresh_all()

    def stop_writing(self) -> bool:
        """With the transaction in hand."""
        is_running = self.phase is Phase.RUNNING
        self.action_cancel()
        return is_running

    def back(self) -> bool:
        """Escape doesn't leave a running replay: it asks it to stop."""
        if self.is_writing:
            self.action_cancel()
            return True
        return super().back()

    def paint(self) -> None:
        """The phase decides what there is to show."""
        self.query_one("#outcome", Static).update(self._told())
        bar = self.query_one(ProgressBar)
        bar.display = self.is_writing
        if self._step is not None:
            bar.update(total=self._step.total, progress=self._step.done)
        targets: Table[Planned] = self.query_one("#targets", Table)
        targets.display = self.phase is Phase.PLANNED
        targets.show(None if self._plan is None else self._plan.planned[:500])

    def _told(self) -> Text:
        text = Text()
        if self._report is not None:
            _result(text, self._report)
        elif self._plan is not None:
            _planned(text, self._plan, self.phase)
        else:
            text.append(self.phase.value, FAINT)
        return text


def _planned(text: Text, plan: Plan, phase: Phase) -> None:
    document = replay_document(ReplayReport(plan, executed=False))
    text.append(f"Replay of {safe(plan.selection.topic, 80)}", "bold").append(f"   {phase.value}\n\n", FAINT)
    _figures(text, [(plan.selected, "selected"), *telling.plan(document)])
    if not plan.refused:
        _figures(text, [(0, "refused")])
    text.append("\n")
    for warning in plan.warnings:
        text.append(f"  ▲ {safe(warning)}\n", WARN)
    text.append(f"  {telling.promise(document)}\n")


def _result(text: Text, report: ReplayReport) -> None:
    word, style = (
        ("interrupted", WARN) if report.interrupted else ("stopped", BAD) if report.stopped else ("done", GOOD)
    )
    text.append(f"Replay of {safe(report.plan.selection.topic, 80)}", "bold").append(f"   {word}\n\n", style)
    _figures(text, [*telling.outcome(replay_document(report)), (report.remaining, "remaining")])
    if report.stopped:
        text.append(f"\n  ▲ {safe(report.stopped)}\n", BAD)
    if report.resume_command:
        text.append("\n  to go on: ", FAINT).append(f"{safe(report.resume_command)}\n")


def _figures(text: Text, counted: Iterable[tuple[int, str]]) -> None:
    for number, what in counted:
        text.append(f"  {number:>7,}  ", "bold" if number else FAINT).append(f"{safe(what)}\n", "" if number else FAINT)
