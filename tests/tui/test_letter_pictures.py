"""The screens of dead letters as pictures, in the states that :mod:`.test_pictures` hasn't. Where a state can exist:

| screen | empty | loading | healthy | sick | disconnected | no permission | narrow |
|---|---|---|---|---|---|---|---|
| topics: ``dlq`` | there | here | here | there | there | there | there |
| ``causes`` | there | there | here | there | there | there | there |
| ``letters`` | here | here | here | there | there | there | there |
| ``letter`` | - | here | here | there | there | there | there |
| ``plan`` | here | here | here | there, ``replay-plan`` | here | there, ``replay-no-permission`` | there |
| ``replay`` | - | here | here | here | here | here | here |
| ``ramp`` | - | here | here | here | here | here | here |
| history: ``ledger`` | there | here | here | there | there | there | there |

A letter, a replay and a ramp are of something: none of them is empty.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot

from eventops.dlq.following import Fate, Outcome
from eventops.dlq.model import CauseGroup, Letter, Selection, State
from eventops.dlq.pace import Ramp
from eventops.dlq.replay_model import Refused, ReplayReport, Step
from eventops.events import Position
from eventops.tui.app import Dashboard
from eventops.tui.confirming import Phase
from eventops.tui.dlq import CausesPage
from eventops.tui.ledger import LedgerPage
from eventops.tui.letter_text import Deeds
from eventops.tui.letters import LetterPage, LettersPage
from eventops.tui.messages import BrokeOff, Stepped, Unplanned
from eventops.tui.page import Page
from eventops.tui.replay import ReplayPage
from tests.tui import reports
from tests.tui.stage import answer, answer_all, front, go
from tests.tui.test_pictures import DISCONNECTED, FORBIDDEN_TOPIC, Compare, Opens, just, picture, section

FORBIDDEN_ID = (
    "a replay writes in transactions, and this one's id eventops-replay/9wvWbQg4TTm/t-1 may not be used (WRITE on the "
    "transactional id): grant DESCRIBE and WRITE on transactional ids that begin with eventops-replay/"
)
PARTED = "kafka-1:9092 doesn't answer: nobody is there"


def loading(opens: Opens) -> Opens:
    """Asked, and not answered yet."""

    async def asks(pilot: Pilot[Any], app: Dashboard) -> None:
        await opens(pilot, app)
        app.is_paused = False
        page = front(app, Page)
        for watch in {id(one): one for one in (*page.watches, *app.questions.shared)}.values():
            watch.put(reports.NOW)
        page.refresh_all()

    return asks


def one_cause(*letters: Letter) -> CauseGroup:
    [found] = reports.letters(*letters).causes
    return found


def letters(*found: Letter, counted: int) -> Opens:
    """The letters of one cause, of which the list counted so many."""
    first = found or (reports.letter(0),)
    cause = replace(one_cause(*first), counts={first[0].state: counted})
    return just(lambda: LettersPage(cause), tuple(found))


def replayed(number: int) -> tuple[Letter, ...]:
    return tuple(reports.letter(offset, state=State.REPLAYED) for offset in range(number))


def passed() -> Deeds:
    """All of them."""
    fate = Fate(Outcome.PASSED, "mail-group has committed 905")
    return Deeds(tuple((row, fate) for row, _ in reports.ledger().done if row.state is State.REPLAYED))


def deed(*messages: Stepped | BrokeOff | Unplanned, ramp: bool = False, planned: int = 120, runs: bool = True) -> Opens:
    """A replay that was confirmed, and what came then; ``runs``: else it was only planned."""

    async def opens(pilot: Pilot[Any], app: Dashboard) -> None:
        await go(pilot, app, "4")
        page = ReplayPage(Selection("users-dlt"), reports.plan(planned))
        await app.push_screen(page)
        if ramp:
            page.manner = replace(page.manner, pace=replace(page.manner.pace, ramp=Ramp()))
        if runs:
            page.phase, page._began = Phase.RUNNING, reports.ago(20)
            app.begin_writing(page)
        for message in messages:
            page.post_message(message)
            await pilot.pause()
        page.refresh_all()

    return opens


def ended(**changes: Any) -> Stepped:
    """The last step of it."""
    report: ReplayReport = replace(reports.outcome(reports.plan(120)), **changes)
    return Stepped(Step(len(report.replayed), 120, report=report))


DONE = reports.outcome(reports.plan(120)).replayed
PARKED = tuple(Refused(one.letter, "Message size too large") for one in reports.plan(120).planned[:3])
GOES_ON = "eventops --context prod dlq replay users-dlt --all --ramp --execute"


async def planning(_pilot: Pilot[Any], app: Dashboard) -> None:
    """Without an answer yet."""
    page = ReplayPage(Selection("users-dlt"), reports.plan(3))
    await app.open("dlq", page)
    page.phase, page._plan = Phase.PLANNING, None
    page._attention.total, page._attention.read = 1_000_000, 340_000
    page.refresh_all()


async def refused(pilot: Pilot[Any], app: Dashboard) -> None:
    await section("4", lambda app: app.questions.letters, reports.listed())(pilot, app)
    await pilot.press("D")


async def elsewhere(pilot: Pilot[Any], app: Dashboard) -> None:
    """Seen from the overview."""
    await deed(Stepped(Step(31, 120)))(pilot, app)
    await go(pilot, app, "1")
    await answer_all(pilot, app)
    app.repaint()


async def told_elsewhere(pilot: Pilot[Any], app: Dashboard) -> None:
    """Its end, on the overview."""
    await elsewhere(pilot, app)
    app.writing[-1].post_message(ended())
    await pilot.pause()


async def read_letter(pilot: Pilot[Any], app: Dashboard) -> None:
    page = LetterPage(Position("users-dlt", 0, 4))
    await app.open("dlq", page)
    await answer(pilot, page.watches[0], replace(reports.letter(4, state=State.REPLAYED)))
    await answer(pilot, page.watches[1], Deeds(passed().done[1:2]))


QUIET = reports.listed(reports.topic_counts("users-dlt", replayed=7), reports.topic_counts("orders-dlt", discarded=2))

STATES: dict[str, Opens] = {
    "dlq-loading": loading(section("4", lambda app: app.questions.letters)),
    "dlq-healthy": section("4", lambda app: app.questions.letters, QUIET),
    "dlq-refused": refused,
    "causes-healthy": just(lambda: CausesPage("users-dlt"), reports.letters(*replayed(5))),
    "letters-empty": letters(counted=3),
    "letters-loading": loading(just(lambda: LettersPage(one_cause(reports.letter(0))))),
    "letters-healthy": letters(*replayed(5), counted=5),
    "letter-loading": loading(just(lambda: LetterPage(Position("users-dlt", 0, 4)))),
    "letter-healthy": read_letter,
    "plan-empty": deed(planned=0, runs=False),
    "plan-loading": planning,
    "plan-healthy": deed(planned=3, runs=False),
    "plan-disconnected": deed(Unplanned(DISCONNECTED), runs=False),
    "replay-loading": deed(),
    "replay-healthy": deed(ended()),
    "replay-sick": deed(ended(replayed=DONE[3:], parked=PARKED)),
    "replay-refusing": deed(Stepped(Step(40, 120, parked=3, refusal="Message size too large"))),
    "replay-disconnected": deed(ended(replayed=DONE[:40], stopped=PARTED, resume_command=GOES_ON)),
    "replay-forbidden": deed(BrokeOff(FORBIDDEN_ID)),
    "replay-elsewhere": elsewhere,
    "replay-told-elsewhere": told_elsewhere,
    "ramp-loading": deed(ramp=True),
    "ramp-healthy": deed(ended(), ramp=True),
    "ramp-sick": deed(
        ended(
            replayed=DONE[:11],
            stopped="2 letters failed again: users-dlt/0/130",
            failed_again=(Position("users-dlt", 0, 130), Position("users-dlt", 0, 132)),
            resume_command=GOES_ON,
        ),
        ramp=True,
    ),
    "ramp-disconnected": deed(ended(replayed=DONE[:11], stopped=PARTED, resume_command=GOES_ON), ramp=True),
    "ramp-no-permission": deed(BrokeOff(FORBIDDEN_TOPIC.replace("READ", "WRITE")), ramp=True),
    "ledger-loading": loading(just(lambda: LedgerPage("users-dlt"))),
    "ledger-healthy": just(lambda: LedgerPage("users-dlt"), passed()),
}
SIZED: dict[str, Opens] = {
    "replay": deed(Stepped(Step(40, 120, parked=3, refusal="Message size too large"))),
    "ramp": deed(Stepped(Step(11, 120, told="waiting until 3 letters of this stage of 10 are read")), ramp=True),
    "replay-elsewhere": elsewhere,
    "refused": refused,
}


@pytest.mark.parametrize("state", STATES)
def test_screen(snap_compare: Compare, state: str) -> None:
    assert picture(snap_compare, STATES[state])


@pytest.mark.parametrize("size", ["narrow", "tiny", "tiniest"])
@pytest.mark.parametrize("screen", SIZED)
def test_terminal(snap_compare: Compare, screen: str, size: str) -> None:
    assert picture(snap_compare, SIZED[screen], size)


def test_no_colour(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert picture(snap_compare, elsewhere)
