"""Writing: a plan that is shown, a yes in so many letters, then the deed, then what was done."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Final
from unicodedata import normalize

from rich.text import Text
from textual.notifications import SeverityLevel

from eventops.errors import NotPermitted
from eventops.tui import messages
from eventops.tui.page import Page
from eventops.tui.widgets.lines import Freshness
from eventops.wording import safe

YES: Final = "confirm"
MANY: Final = 100
"""Records above which a name is asked for instead of a yes."""
_LONGEST: Final = 249
"""Characters of a name that is typed: Kafka's topics have no longer ones."""
_TOLD: Final = 15.0
"""Seconds for which the end is told on another screen."""


class Phase(Enum):
    """How far it is."""

    PLANNING = "reading …"
    PLANNED = "nothing was written yet"
    RUNNING = "writing"
    STOPPING = "stopping …"
    DONE = "done"
    FAILED = "failed"


_NOT_ANEW: Final = {
    Phase.PLANNING: "the plan is being made",
    Phase.RUNNING: "the plan is being carried out",
    Phase.STOPPING: "the plan is being carried out, and ends",
    Phase.DONE: "it is done: another plan begins where this one did, Esc goes there",
}
"""Why no other plan is made now."""
_NOT_NOW: Final = {
    Phase.PLANNING: "not yet: the plan is still being made",
    Phase.RUNNING: "it is being carried out already",
    Phase.STOPPING: "it is being carried out, and ends",
    Phase.DONE: "it is done already",
    Phase.FAILED: "not executed: there is no plan, see above",
}


def typable(name: str, word: str) -> str:
    """What has to be typed for a name: itself, where that is what is shown and can be typed; else that word, for what
    is shown may be another one's name, or is too long to be read.

    >>> typable("billing", "reset"), typable("Zahlung & Söhne", "reset")
    ('billing', 'Zahlung & Söhne')
    >>> {typable(name, "reset") for name in (" billing", "a  b", "a\\u00a0b", "a\\x00b", "a\\u200bb", "b" * 300, "")}
    {'reset'}
    """
    is_plain = name == safe(name) == " ".join(name.split()) and 0 < len(name) <= _LONGEST
    return name if is_plain else word


class ConfirmingPage(Page):
    """One deed from plan to result. Subclasses say whether there is something to do, what has to be typed, and what is
    told of the deed where it isn't in front, or is in the way of leaving."""

    phase = Phase.PLANNING
    _trouble: str | None = None
    _began: datetime | None = None
    """When it was confirmed."""
    _is_warned = False
    """Who wants to leave was told that it can't be stopped."""

    @property
    def freshness(self) -> Freshness | None:
        """A plan, or what was done, isn't asked a second time by itself."""
        now, is_paused = self.desk.now(), self.shell.is_paused
        return Freshness(self.answered_at, now, None, is_paused=is_paused, is_told=self.is_told)

    @property
    def is_writing(self) -> bool:
        """From the confirmation to the result."""
        return self.phase in (Phase.RUNNING, Phase.STOPPING)

    @property
    def name_of_deed(self) -> str:
        """What is told of elsewhere, as in "Replay of users-dlt"."""
        raise NotImplementedError

    @property
    def sign(self) -> Text:
        """What it writes and how far it is, for the head of other screens."""
        raise NotImplementedError

    def stop_writing(self) -> str | None:
        """Ask what it writes to stop at the next safe place: with what it ends, or why it can't. None: nothing is
        written, or it was asked before."""
        raise NotImplementedError

    @property
    def parting(self) -> str:
        """What is known of it where it is left in the middle, and the command that goes on, or tells more."""
        raise NotImplementedError

    @property
    def why_not_suspended(self) -> str:
        """What stands still in the middle where the dashboard does."""
        raise NotImplementedError

    @property
    def is_ready(self) -> bool:
        """There is a plan with something in it."""
        raise NotImplementedError

    @property
    def password(self) -> str:
        """What has to be typed."""
        raise NotImplementedError

    @property
    def deed(self) -> str:
        """What it is for, as in "put 3 letters back"."""
        raise NotImplementedError

    def execute(self) -> None:
        """Begin; it was confirmed."""
        raise NotImplementedError

    def _make_plan(self) -> None:
        raise NotImplementedError

    def ask_again(self) -> None:
        """Plan anew, where nothing was begun: the cluster may be back, and what it is about may have moved on."""
        if self.phase in (Phase.PLANNED, Phase.FAILED):
            self._make_plan()
            self.refresh_all()
        else:
            self.notify(_NOT_ANEW[self.phase])

    def action_confirm(self) -> None:
        """Ask for a yes in so many letters, or for a name where there is much to lose."""
        if (why := self._why_not()) is not None:
            self.refuse(why)
            return
        where = safe(self.desk.context.name, 30)
        self.ask_for_sure(YES, f"type {safe(self.password)} to {self.deed} on {where}; Esc: don't")

    def _why_not(self) -> str | None:
        """Why there is nothing to confirm."""
        if self.phase is not Phase.PLANNED:
            return _NOT_NOW[self.phase]
        if not self.is_ready:
            return "not executed: the plan has nothing to write, or is refused, see above"
        try:
            self.desk.require_writable()
        except NotPermitted as refused:
            return f"not executed: {safe(str(refused))}"
        return None

    def on_entered(self, message: messages.Entered) -> None:
        """Only what was asked for is a yes."""
        if message.sign != YES:
            return
        message.stop()
        if self.phase is not Phase.PLANNED or not self.is_ready:
            return
        if normalize("NFC", message.text) == normalize("NFC", self.password):  # one letter may be written as two
            self.shell.begin_writing(self)
            self.phase, self._trouble, self._began = Phase.RUNNING, None, self.desk.now()
            self._is_warned = False
            self.execute()
        else:
            self.notify(f"not confirmed: that isn't {safe(self.password, 60)}; nothing was written", markup=False)
        self.refresh_all()

    def on_unplanned(self, message: messages.Unplanned) -> None:
        """Nothing to confirm. An older plan's failure is late where a newer one is carried out, or was."""
        if self.phase in (Phase.PLANNING, Phase.PLANNED):
            self._fail(message.reason)

    def on_broke_off(self, message: messages.BrokeOff) -> None:
        """What it wrote stays, and is told by the reason or a new plan."""
        self._fail(message.reason)

    def _why_empty(self, trouble: str | None) -> str:
        """A plan is made also while nothing else is asked."""
        return "the plan is being made …" if self.phase is Phase.PLANNING else super()._why_empty(trouble)

    def trouble(self) -> str | None:
        """What went wrong."""
        return safe(self._trouble) if self._trouble else None

    def _fail(self, reason: str) -> None:
        was_writing = self.is_writing
        self._trouble, self.phase = reason, Phase.FAILED
        if was_writing:
            self._tell_elsewhere(f"{self.name_of_deed}: {reason}", self.phase.value, is_fine=False)
        self.refresh_all()

    def _tell_elsewhere(self, told: str, title: str, *, is_fine: bool) -> None:
        """It ended, and another screen is in front."""
        if self.shell.page is not self:
            severity: SeverityLevel = "information" if is_fine else "warning"
            self.app.notify(
                f"{safe(told, 300)}; W shows it", title=title, severity=severity, timeout=_TOLD, markup=False
            )
            self.shell.repaint()
