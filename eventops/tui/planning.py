"""Planning what becomes of letters: the plan, and the command's options, of which some want another plan."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import ClassVar, Final

from rich.text import Text
from textual.binding import Binding, BindingType

from eventops.dlq import edited_file
from eventops.dlq.command import of_wishes
from eventops.dlq.model import Selection
from eventops.dlq.replay_model import Action, Plan
from eventops.errors import reason_of
from eventops.ports.attention import Attention, NobodyWaits
from eventops.tui import messages, replay_text
from eventops.tui.clipboard import copy
from eventops.tui.confirming import MANY, ConfirmingPage, Phase, typable
from eventops.tui.gate import GATE
from eventops.tui.palette import FAINT
from eventops.tui.quoting import program, shell_line
from eventops.tui.replay_options import Manner, Option, options, turn_ramp
from eventops.tui.widgets.table import Column, Table
from eventops.wording import count, plural, safe

_CHANGE: Final = "set"


class PlanningPage(ConfirmingPage):
    """A plan that is made when the screen opens, and again for other wishes. Nothing is written by planning."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("m", "ramp", "ramp: 1 letter, then 10, 100, … as long as none fails again"),
        Binding("s", "change('rate')", "how many letters a second at most"),
        Binding("e", "change('reason')", "the reason that the ledger keeps"),
    ]

    def __init__(self, selection: Selection, plan: Plan | None, action: Action, reason: str | None) -> None:
        """``plan``: one that is made already; else it is made when the screen opens."""
        super().__init__()
        self.phase = Phase.PLANNING if plan is None else Phase.PLANNED
        self.action = action if plan is None else plan.action
        self.manner = Manner(reason=reason) if plan is None else Manner.of(plan)
        self._selection = selection
        self._plan = plan
        self._told = None if plan is None else replay_text.of_plan(plan)
        self._changed: Option | None = None
        """The option that is being asked for."""
        self._before = ""
        """What it was when it was asked for."""
        self._attention = Attention()

    def on_mount(self) -> None:
        """Plan at once; it only reads."""
        if self._plan is None:
            self._make_plan()

    def on_unmount(self) -> None:
        """Nothing goes on reading for nobody."""
        self._attention.leave()

    @property
    def answered_at(self) -> datetime | None:
        """When the plan was made."""
        return None if self._plan is None else self._plan.as_of

    def on_plan_made(self, message: messages.PlanMade) -> None:
        """Show it and wait; one for other wishes is late."""
        if not message.manner.plans_as(self.manner) or self.phase is not Phase.PLANNING:
            return
        self._plan = replace(message.plan, reason=self.manner.reason)
        self._told, self.phase = message.told, Phase.PLANNED
        self.refresh_all()

    @property
    def is_ready(self) -> bool:
        """Something would be done."""
        return self._plan is not None and bool(self._plan.planned)

    @property
    def password(self) -> str:
        """More for more: the topic's name."""
        many = self._plan is not None and len(self._plan.planned) > MANY
        return typable(self._selection.topic, self.action.value) if many else "yes"

    @property
    def deed(self) -> str:
        """In the line that asks."""
        letters = plural(len(self._plan.planned) if self._plan else 0, "letter")
        if self.password != self._selection.topic:
            letters += f" of {safe(self._selection.topic)}"
        return f"put {letters} back" if self.action is Action.REPLAY else f"{self.action.value} {letters}"

    def action_ramp(self) -> None:
        """In stages, or all at once."""
        if (why := self._why_fixed("ramp")) is not None:
            self.refuse(why)
        else:
            self._take(turn_ramp(self.manner))
            if not self.query_one("#how", Table).size.height:  # low terminals show no options
                self.notify("ramp: 1 letter, then 10, 100, …" if self.manner.pace.ramp else "no ramp: all at once")

    def action_change(self, name: str) -> None:
        """One of the options by its name."""
        if (why := self._why_fixed(name)) is not None:
            self.refuse(why)
        else:
            self._change(self._option(name))

    def _option(self, name: str) -> Option:
        return next(one for one in options(self.action, self.manner) if one.name == name)

    def _why_fixed(self, name: str) -> str | None:
        """Why that option can't be changed."""
        if not self._may_change:
            return f"the {name} can't be changed any more: the {self.action.value} runs, or is over"
        if all(one.name != name for one in options(self.action, self.manner)):
            return f"a {self.action.value} has no {name}"
        return None

    def on_table_chosen(self, message: Table.Chosen) -> None:
        """An option: the next value, or a question."""
        if isinstance(message.row, Option):
            self._change(message.row)

    def _wished(self, more: Sequence[str] = ()) -> list[str]:
        """The command that makes the plan; with ``--edit`` among ``more`` what was edited before is left out."""
        manner = self.manner
        wishes = replace(manner.wishes, edited=None) if "--edit" in more else manner.wishes
        run = ("--run", manner.run) if manner.run else ()
        return [*of_wishes(self.action, self._selection, wishes, manner.pace, manner.reason), *run, *more]

    def _columns(self) -> Sequence[Column[Option]]:
        return (
            Column("option", lambda row: row.name),
            Column("is", lambda row: Text(safe(row.value(self.manner), 60)), is_flexible=True),
            Column("what it does", lambda row: Text(row.what, FAINT), from_width=70, is_flexible=True, at_most=100),
        )

    def _make_plan(self) -> None:
        self._attention.leave()
        self._attention = attention = Attention(GATE.wait)
        self.phase, self._plan, self._trouble = Phase.PLANNING, None, None
        desk, selection, action, manner = self.desk, self._selection, self.action, self.manner

        def make() -> Plan:
            run = manner.run or str(uuid.uuid4())
            if action is not Action.REPLAY:
                return desk.dlq.plan_bookkeeping(action, selection, desk.now(), run, manner.reason)
            file = manner.wishes.edited
            edited = None if file is None else edited_file.of_topic(file, selection.topic)
            return desk.dlq.plan(selection, desk.now(), run, manner.wishes, reason=manner.reason, edited=edited)

        def plan() -> None:
            try:
                with attention.held():
                    found = make()
            except NobodyWaits:
                return
            except Exception as error:  # noqa: BLE001 - told on the screen, which stays
                self.post_message(messages.Unplanned(reason_of(error)))
            else:
                self.post_message(messages.PlanMade(found, replay_text.of_plan(found), manner))

        self.run_worker(plan, thread=True, name="plan", group="plan", exclusive=True, exit_on_error=False)

    @property
    def _may_change(self) -> bool:
        return self.phase in (Phase.PLANNING, Phase.PLANNED, Phase.FAILED)

    def _change(self, option: Option) -> None:
        if not self._may_change:
            return
        if option.turn is not None:
            self._take(option.turn(self.manner))
            return
        if option.copies is not None:
            copy(self, shell_line([*program(self.desk.context), *self._wished(option.copies)]), "the command")
            return
        self._changed, self._before = option, option.text(self.manner)
        self.ask(_CHANGE, f"{option.name}: {option.hint}", self._before)

    def on_entered(self, message: messages.Entered) -> None:
        """An option's value; else as for every deed."""
        if message.sign != _CHANGE or self._changed is None or self._changed.change is None:
            return
        message.stop()
        option = self._changed
        if message.text == self._before.strip():
            return
        try:
            self._take(self._changed.change(self.manner, message.text))
        except ValueError as error:
            self.ask_anew(_CHANGE, safe(str(error), 200), f"{option.name}: {option.hint}", message.text)

    def _take(self, manner: Manner) -> None:
        """Other wishes want another plan."""
        before, self.manner = self.manner, manner
        if not manner.plans_as(before) or self.phase is Phase.FAILED:
            self._make_plan()
        elif self._plan is not None:
            self._plan = replace(self._plan, reason=manner.reason)
        self.refresh_all()

    @property
    def _how_far(self) -> str:
        read, total = self._attention.read, self._attention.total
        if self.phase is not Phase.PLANNING or not total:
            return ""
        return f"{min(100 * read // total, 99)} % of {count(total)} offsets"
