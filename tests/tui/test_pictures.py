"""Each screen as a picture, in each state it can be in; `--snapshot-update` makes them anew: look at them before they
are committed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from textual.pilot import Pilot

from eventops.dlq.model import CauseGroup, Selection
from eventops.dlq.replay_model import Step
from eventops.events import Partition
from eventops.groups.model import ResetReport
from eventops.tui.app import Dashboard
from eventops.tui.confirming import Phase
from eventops.tui.dlq import CausesPage, LetterPage, LettersPage
from eventops.tui.lag import GroupPage
from eventops.tui.messages import NotAnswered, ResetTold, Searched, SearchFailed, Stepped, Unplanned
from eventops.tui.page import Page
from eventops.tui.peek import PeekPage
from eventops.tui.replay import ReplayPage
from eventops.tui.reset import ResetPage
from eventops.tui.topics import TopicPage
from eventops.tui.trace import TracePage
from eventops.tui.watch import Watch
from tests.tui import docs, reports
from tests.tui.stage import answer, answer_all, front, still

Opens = Callable[[Pilot[Any], Dashboard], Awaitable[None]]
Compare = Callable[..., bool]

DISCONNECTED = "nobody answers at kafka-1:9092 within 5 s: is the broker up, and the address right?"
FORBIDDEN = "not authorized to describe the group billing-group: grant DESCRIBE on it"
SIZES = {"usual": (100, 30), "narrow": (80, 24), "tiny": (40, 12), "wide": (160, 45)}


def picture(compare: Compare, opens: Opens, size: str = "usual", app: Dashboard | None = None) -> bool:
    """Open a screen and compare it with what was looked at before."""
    app = app or still(colour="red")

    async def before(pilot: Pilot[Any]) -> None:
        await opens(pilot, app)
        await pilot.pause()

    return compare(app, terminal_size=SIZES[size], run_before=before)


def section(key: str, watch: Callable[[Dashboard], Watch[Any]], *values: object) -> Opens:
    """A section with its answers, one after the other."""

    async def opens(pilot: Pilot[Any], app: Dashboard) -> None:
        await pilot.press(key)
        await answer(pilot, app.questions.cluster, reports.CLUSTER)
        for value in values:
            await answer(pilot, watch(app), value)

    return opens


def just(page: Callable[[], Page], *values: object) -> Opens:
    """A page over its section, with its answers."""

    async def opens(pilot: Pilot[Any], app: Dashboard) -> None:
        shown = page()
        await app.open(shown.section, shown)
        for watch, value in zip(shown.watches, values, strict=False):
            await answer(pilot, watch, value)

    return opens


def failing(opens: Opens, reason: str, *, old: float | None = None) -> Opens:
    """The same, and then the questions aren't answered; ``old``: for so many seconds."""

    async def fails(pilot: Pilot[Any], app: Dashboard) -> None:
        await opens(pilot, app)
        page = front(app, Page)
        for watch in page.watches:
            watch.put(reports.NOW)
            watch.since = reports.ago(12)
            if old is not None and watch.answered_at is not None:
                watch.answered_at -= timedelta(seconds=old)
            app.post_message(NotAnswered(watch, reason))
        await pilot.pause()

    return fails


async def overview(pilot: Pilot[Any], app: Dashboard) -> None:
    await answer_all(pilot, app)


async def healthy_overview(pilot: Pilot[Any], app: Dashboard) -> None:
    quiet = reports.listed(reports.topic_counts("users-dlt", replayed=7))
    await answer_all(pilot, app, lag=reports.healthy_lag(), letters=quiet)
    await answer(pilot, app.questions.causes, ())


async def empty_overview(pilot: Pilot[Any], app: Dashboard) -> None:
    await answer_all(pilot, app, lag=reports.lag(), letters=reports.listed())
    await answer(pilot, app.questions.causes, ())


async def nothing_yet(_pilot: Pilot[Any], _app: Dashboard) -> None:
    """Just opened."""


async def one_group(pilot: Pilot[Any], app: Dashboard) -> None:
    await pilot.press("2")
    await answer(pilot, app.questions.lag, reports.sick_lag())
    await app.push_screen(GroupPage("billing-group"))


async def causes(pilot: Pilot[Any], app: Dashboard) -> None:
    await pilot.press("4")
    page = CausesPage("users-dlt")
    await app.push_screen(page)
    await answer(pilot, page.watches[0], reports.some_letters())


async def letters(pilot: Pilot[Any], app: Dashboard) -> None:
    await causes(pilot, app)
    found: CauseGroup = reports.some_letters().causes[0]
    await app.push_screen(LettersPage(front(app, CausesPage).watches[0], found))


async def letter(pilot: Pilot[Any], app: Dashboard) -> None:
    await pilot.press("4")
    page = LetterPage(reports.letter(2).position)
    await app.push_screen(page)
    await answer(pilot, page.watches[0], reports.letter(2))


async def trace(pilot: Pilot[Any], app: Dashboard) -> None:
    await search(pilot, app, Searched("req-1", reports.found(reports.trace())))


async def search(pilot: Pilot[Any], app: Dashboard, result: Searched | SearchFailed) -> None:
    await pilot.press("3")
    page = front(app, TracePage)
    page.identifier = result.identifier
    page.post_message(result)
    await pilot.pause()


async def no_trace(pilot: Pilot[Any], app: Dashboard) -> None:
    await search(pilot, app, Searched("req-9", reports.found(reports.nothing_found())))


async def failed_trace(pilot: Pilot[Any], app: Dashboard) -> None:
    await search(pilot, app, SearchFailed("req-1", DISCONNECTED))


async def plan(pilot: Pilot[Any], app: Dashboard) -> None:
    await pilot.press("4")
    warned = reports.plan(
        3, warnings=("the group mail-group has no members now: nobody reads what is put back",), refused=1
    )
    await app.push_screen(ReplayPage(Selection("users-dlt"), warned))


async def confirming(pilot: Pilot[Any], app: Dashboard) -> None:
    await pilot.press("4")
    await app.push_screen(ReplayPage(Selection("users-dlt"), reports.plan(120)))
    await pilot.press("x")


async def running(pilot: Pilot[Any], app: Dashboard) -> None:
    await plan(pilot, app)
    page = front(app, ReplayPage)
    page.phase = Phase.RUNNING
    page.post_message(Stepped(Step(1, 3)))


async def interrupted(pilot: Pilot[Any], app: Dashboard) -> None:
    await plan(pilot, app)
    front(app, ReplayPage).post_message(Stepped(Step(1, 3, report=reports.outcome(reports.plan(3), interrupted=True))))


async def unplanned(pilot: Pilot[Any], app: Dashboard) -> None:
    await plan(pilot, app)
    front(app, ReplayPage).post_message(Unplanned(FORBIDDEN))


async def peek(pilot: Pilot[Any], app: Dashboard) -> None:
    await pilot.press("2")
    page = PeekPage("billing-group", Partition("orders", 0))
    await app.push_screen(page)
    await answer(pilot, page.watches[0], reports.peek())
    await pilot.pause()


async def reset(pilot: Pilot[Any], app: Dashboard) -> None:
    await pilot.press("2")
    plan = reports.reset_plan()
    await app.push_screen(ResetPage("audit-group", plan.target, plan=plan))
    await pilot.press("x")


async def reset_done(pilot: Pilot[Any], app: Dashboard) -> None:
    await pilot.press("2")
    plan = reports.reset_plan()
    page = ResetPage("audit-group", plan.target, plan=plan)
    await app.push_screen(page)
    page.post_message(ResetTold(ResetReport(plan, {Partition("orders", 0): 5420})))


async def one_topic(pilot: Pilot[Any], app: Dashboard) -> None:
    await pilot.press("5")
    await answer(pilot, app.questions.topics, reports.topics())
    await app.push_screen(TopicPage("orders"))


async def the_help(pilot: Pilot[Any], app: Dashboard) -> None:
    await pilot.press("4", "question_mark")


LAG = section("2", lambda app: app.questions.lag, reports.sick_lag())
DLQ = section("4", lambda app: app.questions.letters, reports.some_topics())
TOPICS = section("5", lambda app: app.questions.topics, reports.topics())

STATES: dict[str, Opens] = {
    "overview-loading": nothing_yet,
    "overview-empty": empty_overview,
    "overview-healthy": healthy_overview,
    "overview-sick": overview,
    "overview-disconnected": failing(overview, DISCONNECTED, old=42),
    "overview-never-answered": failing(nothing_yet, DISCONNECTED),
    "overview-no-permission": failing(nothing_yet, FORBIDDEN),
    "lag-empty": section("2", lambda app: app.questions.lag, reports.lag()),
    "lag-healthy": section("2", lambda app: app.questions.lag, reports.healthy_lag()),
    "lag-sick": LAG,
    "lag-disconnected": failing(LAG, DISCONNECTED, old=42),
    "lag-no-permission": failing(section("2", lambda app: app.questions.lag), FORBIDDEN),
    "group-sick": one_group,
    "peek": peek,
    "peek-no-permission": failing(just(lambda: PeekPage("billing-group", Partition("orders", 0))), FORBIDDEN),
    "group-gone": just(lambda: GroupPage("gone-group"), reports.sick_lag()),
    "reset-confirming": reset,
    "reset-done": reset_done,
    "trace-empty": section("3", lambda app: app.questions.lag),
    "trace-found": trace,
    "trace-nothing-found": no_trace,
    "trace-disconnected": failed_trace,
    "dlq-empty": section("4", lambda app: app.questions.letters, reports.listed()),
    "dlq-sick": DLQ,
    "dlq-disconnected": failing(DLQ, DISCONNECTED, old=42),
    "dlq-no-permission": failing(section("4", lambda app: app.questions.letters), FORBIDDEN),
    "causes": causes,
    "letters": letters,
    "letter": letter,
    "replay-plan": plan,
    "replay-confirming": confirming,
    "replay-running": running,
    "replay-interrupted": interrupted,
    "replay-no-permission": unplanned,
    "topics-sick": TOPICS,
    "topic": one_topic,
    "help": the_help,
}
SIZED: dict[str, Opens] = {
    "overview": overview,
    "lag": LAG,
    "group": one_group,
    "peek": peek,
    "reset": reset,
    "trace": trace,
    "dlq": DLQ,
    "letters": letters,
    "letter": letter,
    "replay-plan": plan,
    "topics": TOPICS,
}


@pytest.mark.parametrize("state", STATES)
def test_screen(snap_compare: Compare, state: str) -> None:
    assert picture(snap_compare, STATES[state])


@pytest.mark.parametrize("size", ["narrow", "tiny", "wide"])
@pytest.mark.parametrize("screen", SIZED)
def test_terminal(snap_compare: Compare, screen: str, size: str) -> None:
    assert picture(snap_compare, SIZED[screen], size)


def test_read_only(snap_compare: Compare) -> None:
    assert picture(snap_compare, plan, app=still(read_only=True, colour="red"))


def test_no_colour(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert picture(snap_compare, overview)


@pytest.mark.parametrize("name", docs.PICTURES)
def test_the_docs_show_pictures_of_this_suite(name: str) -> None:
    """`python -m tests.tui.docs` copies them, without the fonts that a browser would fetch."""
    assert (docs.PLACE / f"{name}.svg").read_text(encoding="utf-8") == docs.picture(name)
