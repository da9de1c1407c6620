"""Putting letters back (or writing them off): the plan first, then an explicit yes, then the transactions one by one,
then what was done."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import ClassVar, Final

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import ProgressBar, Static

from eventops.dlq.model import Selection
from eventops.dlq.replay_model import AT_LEAST_ONCE, Action, Plan, Planned, ReplayReport, Step
from eventops.errors import reason_of
from eventops.tui import messages, replay_text
from eventops.tui.confirming import Phase
from eventops.tui.palette import FAINT
from eventops.tui.planning import PlanningPage
from eventops.tui.progress import Progress
from eventops.tui.quoting import program, shell_line
from eventops.tui.replay_options import Option, options
from eventops.tui.widgets.lines import Said
from eventops.tui.widgets.table import Column, Table
from eventops.wording import count

_SHOWN: Final = 500
"""Letters of a plan that are listed."""
_SILENT: Final = 5.0
"""Seconds without a step that are told: a transaction takes about one."""
_UNREAD: Final = 2.0
"""Seconds within which nobody has read what was done."""

_TARGETS: Final[Sequence[Column[Planned]]] = (
    Column("letter", lambda row: f"{row.letter.position.partition}/{row.letter.position.offset}"),
    Column("becomes in", lambda row: _target(row), is_flexible=True),
    Column("taken from", lambda row: f"the {row.taken_from}", from_width=80),
    Column("event", lambda row: row.letter.event.ids.event_type or "?", is_flexible=True, from_width=60),
    Column("correlation id", lambda row: row.letter.event.ids.correlation_id or "?", is_flexible=True, from_width=100),
    Column("differs", lambda row: row.change or row.difference or "-", is_flexible=True, from_width=120, at_most=80),
)


def _target(row: Planned) -> str:
    return row.target_topic if row.target_partition is None else f"{row.target_topic}/{row.target_partition}"


def _is_fine(report: ReplayReport) -> bool:
    """All that was wanted was done."""
    return not (report.interrupted or report.stopped or report.parked or report.failed or report.failed_again)


class ReplayPage(PlanningPage):
    """One deed from plan to result."""

    section = "dlq"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "confirm", "execute the plan, after a typed confirmation"),
        Binding("c", "cancel", "while it runs: stop, after a transaction that is in hand"),
        Binding("h", "history", "what was done about the topic's letters, and what came of it"),
    ]

    def __init__(
        self,
        selection: Selection,
        plan: Plan | None = None,
        *,
        action: Action = Action.REPLAY,
        reason: str | None = None,
    ) -> None:
        """``plan``: one that is made already; else it is made when the screen opens."""
        super().__init__(selection, plan, action, reason)
        self._step: Step | None = None
        self._rate = Progress()
        self._report: ReplayReport | None = None
        self._ended: datetime | None = None
        self._stepped_at: datetime | None = None
        self._stop = threading.Event()

    @property
    def words(self) -> tuple[str, ...]:
        """The command that prints the plan, or what the run did by now: never one that would write."""
        if self._plan is not None and (self.is_writing or self._report is not None):
            return ("dlq", "history", self._selection.topic, "--run", self._plan.run_id)
        return tuple(self._wished())

    @property
    def resuming(self) -> str:
        """The command that executes the same plan: what was done is left alone."""
        plan, manner = self._plan, self.manner
        is_once_more = plan is not None and manner.wishes.again and not manner.run
        run = ("--run", plan.run_id) if plan is not None and is_once_more else ()
        return shell_line([*program(self.desk.context), *self._wished(run), "--execute"])

    @property
    def parting(self) -> str:
        """It goes on where it ended."""
        return f"left in the middle: the ledger knows what was written, this goes on: {self.resuming}"

    @property
    def why_not_suspended(self) -> str:
        """It would be in nobody's hands."""
        return f"a {self.action.value} runs: it would stand still in the middle; c stops it first"

    @property
    def is_carried_out(self) -> bool:
        """It was executed, to its end or to where it was stopped, and what was done is told."""
        return self._report is not None

    @property
    def answered_at(self) -> datetime | None:
        """When the plan was made; of what was done, when it ended."""
        return self._ended or super().answered_at

    @property
    def crumbs(self) -> tuple[str, ...]:
        """The topic."""
        return (self._selection.topic, self.action.value)

    @property
    def shown_keys(self) -> Sequence[tuple[str, str]]:
        """Only those that do something now."""
        read_only = self.desk.context.read_only
        if self.phase is Phase.PLANNED and self.is_ready:
            if read_only:
                return (("Esc", "back; this context is read-only"),)
            how = (("m", "ramp"), ("s", "rate"), *self._enter) if self.action is Action.REPLAY else ()
            return (("x", "execute"), *how, ("e", "reason"), ("Esc", "leave, nothing is written"))
        if self.is_writing:
            return (("c", "cancel"),) if self.phase is Phase.RUNNING else ()
        if self._report is not None:
            return (("h", "history"), ("Esc", "back"))
        is_empty = self.phase is Phase.PLANNED and self.action is Action.REPLAY
        may_plan_anew = (self.phase is Phase.FAILED or is_empty) and not read_only
        anew = (("r", "plan anew"), *self._enter) if may_plan_anew else ()
        return (*anew, ("Esc", "back"))

    @property
    def _enter(self) -> Sequence[tuple[str, str]]:
        """What Enter does where the keys are: nothing in a text, or on a table without rows."""
        table = next((one for one in self.query(Table) if one.has_focus_within and one.rows), None)
        if table is None:
            return ()
        return (("Enter", "change"),) if table.id == "how" else (("Enter", "letter"),)

    def on_descendant_focus(self) -> None:
        """Enter does something else on the other table."""
        self.tell_keys()

    def body(self) -> Iterator[Widget]:
        """Figures, progress, how it would be done, and each letter's target."""
        yield VerticalScroll(Said(id="outcome"), id="told")
        yield ProgressBar(id="progress", show_eta=False)
        how: Table[Option] = Table("How", self._columns(), lambda row: row.name, empty="", name="how", is_timely=False)
        yield how
        yield Table(
            "What would be appended" if self.action is Action.REPLAY else "Which letters",
            _TARGETS if self.action is Action.REPLAY else (_TARGETS[0], *_TARGETS[3:5]),
            lambda row: str(row.letter.position),
            empty=f"Nothing to {self.action.value}.",
            name="targets",
        )

    def on_unmount(self) -> None:
        """Nothing goes on writing that nobody sees."""
        self._stop.set()

    def action_history(self) -> None:
        """Where it can be seen whether a replay was worth it."""
        from eventops.tui.ledger import LedgerPage

        if self.is_writing:
            self.notify("the history is there once this run has ended")
        else:
            self.shell.push_screen(LedgerPage(self._selection.topic))

    def on_table_chosen(self, message: Table.Chosen) -> None:
        """A letter of a replay: what would be appended, and how it differs. Options are the other half's."""
        if self.action is Action.REPLAY and isinstance(message.row, Planned):
            from eventops.tui.planned import PlannedPage

            self.shell.push_screen(PlannedPage(message.row, self.words))

    def execute(self) -> None:
        """Transaction by transaction, in a worker."""
        plan, desk, pace = self._plan, self.desk, self.manner.pace
        assert plan is not None
        called = shell_line(program(desk.context))

        def carry_out() -> None:
            try:
                for step in desk.dlq.execute(plan, pace, is_stopped=self._stop.is_set, now=desk.now, program=called):
                    told = None if step.report is None else replay_text.of_report(step.report)
                    self.post_message(messages.Stepped(step, told))
            except Exception as error:  # noqa: BLE001 - told on the screen, which stays
                self.post_message(messages.BrokeOff(reason_of(error)))

        self.run_worker(carry_out, thread=True, name="replay", group="replay", exit_on_error=False)

    def on_stepped(self, message: messages.Stepped) -> None:
        """One more transaction is committed, or something is waited for."""
        if self._step is None or message.step.done != self._step.done:
            self._rate.add(message.step.done, self.desk.now())
        self._step, self._stepped_at = message.step, self.desk.now()
        if message.step.report is not None:
            self._report, self.phase = message.step.report, Phase.DONE
            self._told = message.told or replay_text.of_report(message.step.report)
            self._ended = self.desk.now()
            told = replay_text.in_a_line(self._report, self._told)
            self._tell_elsewhere(told, replay_text.ended(self._report)[0], is_fine=_is_fine(self._report))
        self.refresh_all()

    @property
    def name_of_deed(self) -> str:
        """The deed, and of which topic."""
        return replay_text.name(self.action, self._selection)

    @property
    def sign(self) -> Text:
        """Letters done."""
        planned, width = len(self._plan.planned) if self._plan else 0, self.app.size.width
        return replay_text.sign(self._step, planned, self.action, self.phase, width)

    def action_cancel(self) -> None:
        """Between two transactions."""
        if self.phase is Phase.RUNNING:
            self._stop.set()
            self.phase = Phase.STOPPING
            self.refresh_all()
        else:
            self.notify("it is being stopped already" if self.is_writing else "nothing runs that could be stopped")

    def stop_writing(self) -> str | None:
        """With the transaction in hand, where one is."""
        if self.phase is not Phase.RUNNING:
            return None
        self.action_cancel()
        return replay_text.ending(self._step, self.action, is_atomic=self._is_atomic)

    @property
    def _is_atomic(self) -> bool:
        return self._plan is None or self._plan.guarantee != AT_LEAST_ONCE

    def back(self) -> bool:
        """Escape doesn't leave a running replay: it asks it to stop."""
        if self.is_writing:
            self.action_cancel()
            return True
        if super().back():
            return True
        self._part()
        return False

    def _part(self) -> None:
        """An Escape that was meant to stop the run, and came as it ended, leaves a screen that nobody has read."""
        if self._report is None or self._told is None or self._ended is None:
            return
        if (self.desk.now() - self._ended).total_seconds() < _UNREAD:
            done = replay_text.in_a_line(self._report, self._told)
            self.notify(done, title="it had ended", markup=False)

    def focus_body(self) -> None:
        """Low terminals have no room for options: keys scroll what the plan says."""
        if self.has_class("-short") or self.has_class("-low"):
            self.set_focus(self.query_one("#told"))
        else:
            super().focus_body()

    def paint(self) -> None:
        """The phase decides what there is to show."""
        self.query_one("#outcome", Static).update(self._said())
        bar = self.query_one(ProgressBar)
        bar.display = self.is_writing
        if self._step is not None:
            bar.update(total=self._step.total, progress=self._step.done)
        elif self.is_writing and self._plan is not None:
            bar.update(total=len(self._plan.planned), progress=0)
        how: Table[Option] = self.query_one("#how", Table)
        how.set_class(not self._may_change or self.desk.context.read_only, "-none")
        how.show(options(self.action, self.manner))
        targets: Table[Planned] = self.query_one("#targets", Table)
        targets.display = self.phase is Phase.PLANNED
        planned = self._plan.planned if self._plan is not None else ()
        note = f"the first of {count(len(planned))}" if len(planned) > _SHOWN else ""
        targets.show(None if self._plan is None else planned[:_SHOWN], note=note)

    def _said(self) -> Text:
        text = Text()
        if self._report is not None and self._told is not None:
            replay_text.result(text, self._report, self._told, self._seconds)
        elif self._plan is None or self._told is None:
            text.append(f"{self.phase.value} {self._how_far}".rstrip(), FAINT)
        elif self.is_writing:
            rate = self._rate.value(self.manner.pace.rate)
            replay_text.progress(text, self._plan, self._step, rate, self.phase, self._silent)
        else:
            replay_text.plan(text, self._plan, self._told, self.phase, self.manner.pace.ramp)
        return text

    @property
    def _silent(self) -> float | None:
        """Seconds without a step; None: not longer than a transaction takes, or than the rate has it."""
        since, rate = self._stepped_at or self._began, self.manner.pace.rate
        seconds = 0.0 if since is None else (self.desk.now() - since).total_seconds()
        return seconds if seconds > max(_SILENT, 2 / rate if rate else 0.0) else None

    @property
    def _seconds(self) -> float:
        if self._began is None:
            return 0.0
        return ((self._ended or self.desk.now()) - self._began).total_seconds()
