"""Each screen as a picture, in each state it can be in; `--snapshot-update` makes them anew: look at them before they
are committed."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from textual.message import Message
from textual.pilot import Pilot
from textual.widgets import Input

from eventops.dlq.model import CauseGroup, Selection
from eventops.dlq.replay_model import Action, Step
from eventops.events import Partition, read_event
from eventops.groups.model import PeekReport, Place, Refusal, ResetPlan, ResetReport, Surroundings
from eventops.ports import Coverage, Gap
from eventops.records.model import Glance, Seen
from eventops.trace.model import Found
from eventops.tui.app import Dashboard
from eventops.tui.combing import Combing
from eventops.tui.confirming import Phase
from eventops.tui.dlq import CausesPage
from eventops.tui.events import EventsPage
from eventops.tui.lag import GroupPage
from eventops.tui.ledger import LedgerPage
from eventops.tui.letter_text import Deeds
from eventops.tui.letters import LetterPage, LettersPage
from eventops.tui.messages import (
    BrokeOff,
    Glanced,
    NotAnswered,
    NotGlanced,
    ResetTold,
    Searched,
    SearchEnded,
    SearchFailed,
    SeenMore,
    Stepped,
    Unplanned,
)
from eventops.tui.page import Page
from eventops.tui.peek import PeekPage
from eventops.tui.query import Query
from eventops.tui.replay import ReplayPage
from eventops.tui.reset import ResetPage
from eventops.tui.tail import TailPage
from eventops.tui.topics import TopicPage
from eventops.tui.trace import TracePage
from eventops.tui.watch import Watch
from eventops.tui.widgets.field import Field
from tests.tui import docs, reports
from tests.tui.stage import answer, answer_all, front, go, settle, still

Opens = Callable[[Pilot[Any], Dashboard], Awaitable[None]]
Compare = Callable[..., bool]

DISCONNECTED = "nobody answers at kafka-1:9092 within 5 s: is the broker up, and the address right?"
FORBIDDEN = (
    "kafka-1:9092 forbids it for billing-group (Broker: Group authorization failed): it takes DESCRIBE on the group"
)
FORBIDDEN_TOPIC = "kafka-1:9092 forbids it for orders (Broker: Topic authorization failed): it takes READ on the topic"
UNREADABLE_LEDGER = Gap("eventops-ledger", 0, "not permitted: READ on the topic")
SIZES = {
    "usual": (100, 30),
    "narrow": (80, 24),
    "low": (120, 16),
    "tiny": (40, 12),
    "tiniest": (20, 6),
    "wide": (160, 45),
}


def picture(compare: Compare, opens: Opens, size: str = "usual", app: Dashboard | None = None) -> bool:
    """Open a screen and compare it with what was looked at before."""
    app = app or still(colour="red")

    async def before(pilot: Pilot[Any]) -> None:
        await opens(pilot, app)
        for line in app.screen.query(Input):
            line.cursor_blink = False  # it is there or not by the clock
        await settle(pilot)

    return compare(app, terminal_size=SIZES[size], run_before=before)


def section(key: str, watch: Callable[[Dashboard], Watch[Any]], *values: object) -> Opens:
    """A section with its answers, one after the other."""

    async def opens(pilot: Pilot[Any], app: Dashboard) -> None:
        await go(pilot, app, key)
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
    """The same, and then the questions aren't answered, or refused; ``old``: for so many seconds."""

    async def fails(pilot: Pilot[Any], app: Dashboard) -> None:
        await opens(pilot, app)
        page = front(app, Page)
        for watch in page.watches:
            watch.put(reports.NOW)
            watch.since = reports.ago(12)
            if old is not None and watch.answered_at is not None:
                watch.answered_at -= timedelta(seconds=old)
            app.post_message(NotAnswered(watch, reason, is_told=reason in (FORBIDDEN, FORBIDDEN_TOPIC)))
        await pilot.pause()

    return fails


async def overview(pilot: Pilot[Any], app: Dashboard) -> None:
    await answer_all(pilot, app)


async def healthy_overview(pilot: Pilot[Any], app: Dashboard) -> None:
    quiet = reports.listed(reports.topic_counts("users-dlt", replayed=7))
    await answer_all(pilot, app, lag=reports.healthy_lag(), letters=quiet)
    await answer(pilot, app.questions.causes, ())


async def overview_with_partitions_offline(pilot: Pilot[Any], app: Dashboard) -> None:
    await overview(pilot, app)
    await answer(pilot, app.questions.offline, (Partition("orders", 0), Partition("users", 1)))


async def empty_overview(pilot: Pilot[Any], app: Dashboard) -> None:
    await answer_all(pilot, app, lag=reports.lag(), letters=reports.listed())
    await answer(pilot, app.questions.causes, ())


async def nothing_yet(_pilot: Pilot[Any], _app: Dashboard) -> None:
    """Just opened."""


async def one_group(pilot: Pilot[Any], app: Dashboard) -> None:
    await go(pilot, app, "2")
    await answer(pilot, app.questions.lag, reports.sick_lag())
    await app.push_screen(GroupPage("billing-group"))


async def causes(pilot: Pilot[Any], app: Dashboard) -> None:
    await go(pilot, app, "4")
    page = CausesPage("users-dlt")
    await app.push_screen(page)
    await answer(pilot, page.watches[0], reports.several_causes())


async def loading_causes(pilot: Pilot[Any], app: Dashboard) -> None:
    await go(pilot, app, "4")
    page = CausesPage("users-dlt")
    await app.push_screen(page)
    app.is_paused = False
    for watch in (*page.watches, *app.questions.shared):
        watch.put(reports.NOW)
    page.watches[0].attention.total, page.watches[0].attention.read = 1_000_000, 340_000
    page.refresh_all()


async def letters(pilot: Pilot[Any], app: Dashboard) -> None:
    await causes(pilot, app)
    found: CauseGroup = reports.several_causes().causes[0]
    page = LettersPage(found)
    await app.push_screen(page)
    await answer(pilot, page.watches[0], tuple(reports.no_stock(number, "Cart.reserve") for number in range(7, 19)))


async def unread_letters(_pilot: Pilot[Any], app: Dashboard) -> None:
    await app.open("dlq", LettersPage(reports.several_causes().causes[0]))


async def marked_letters(pilot: Pilot[Any], app: Dashboard) -> None:
    await letters(pilot, app)
    await pilot.press("space", "down", "space")


async def letter(pilot: Pilot[Any], app: Dashboard) -> None:
    await go(pilot, app, "4")
    page = LetterPage(reports.whole_letter().position)
    await app.push_screen(page)
    await answer(pilot, page.watches[0], reports.whole_letter())
    await answer(pilot, page.watches[1], reports.ledger())


async def letter_without_ledger(pilot: Pilot[Any], app: Dashboard) -> None:
    page = LetterPage(reports.whole_letter().position)
    await app.open("dlq", page)
    await answer(pilot, page.watches[0], reports.whole_letter())
    await answer(pilot, page.watches[1], Deeds((), (UNREADABLE_LEDGER,)))


async def discarding(pilot: Pilot[Any], app: Dashboard) -> None:
    await go(pilot, app, "4")
    made = replace(reports.plan(3), action=Action.DISCARD, reason="test data, never meant for production")
    await app.push_screen(ReplayPage(Selection("users-dlt"), made))


async def ramping(pilot: Pilot[Any], app: Dashboard) -> None:
    await go(pilot, app, "4")
    page = ReplayPage(Selection("users-dlt"), reports.plan(120))
    await app.push_screen(page)
    await pilot.press("m")
    await settle(pilot)
    page.phase, page._began = Phase.RUNNING, reports.ago(20)
    page.post_message(Stepped(Step(11, 120, told="waiting until 3 letters of this stage of 10 are read")))


async def trace(pilot: Pilot[Any], app: Dashboard) -> None:
    await search(pilot, app, Searched("req-1", reports.found(reports.trace())))


async def search(pilot: Pilot[Any], app: Dashboard, result: Searched | SearchFailed) -> None:
    await go(pilot, app, "3")
    page = front(app, TracePage)
    page.identifier = result.identifier
    page.post_message(result)
    await pilot.pause()


async def no_trace(pilot: Pilot[Any], app: Dashboard) -> None:
    await search(pilot, app, Searched("req-9", reports.found(reports.nothing_found())))


async def failed_trace(pilot: Pilot[Any], app: Dashboard) -> None:
    await search(pilot, app, SearchFailed("req-1", DISCONNECTED))


async def plan(pilot: Pilot[Any], app: Dashboard) -> None:
    await go(pilot, app, "4")
    warned = reports.plan(
        3, warnings=("the group mail-group has no members now: nobody reads what is put back",), refused=1
    )
    await app.push_screen(ReplayPage(Selection("users-dlt"), warned))


async def confirming(pilot: Pilot[Any], app: Dashboard) -> None:
    await go(pilot, app, "4")
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
    await go(pilot, app, "2")
    page = PeekPage("billing-group", Partition("orders", 0))
    await app.push_screen(page)
    await answer(pilot, page.watches[0], reports.peek())
    await pilot.pause()


async def reset(pilot: Pilot[Any], app: Dashboard) -> None:
    await go(pilot, app, "2")
    plan = reports.reset_plan()
    await app.push_screen(ResetPage("audit-group", plan.target, plan=plan))
    await pilot.press("x")


async def reset_writing(pilot: Pilot[Any], app: Dashboard) -> None:
    await go(pilot, app, "2")
    plan = reports.reset_plan()
    page = ResetPage("audit-group", plan.target, plan=plan)
    await app.push_screen(page)
    page.phase, page._began = Phase.RUNNING, reports.ago(8)
    app.begin_writing(page)
    page.refresh_all()


async def reset_done(pilot: Pilot[Any], app: Dashboard) -> None:
    await go(pilot, app, "2")
    plan = reports.reset_plan()
    page = ResetPage("audit-group", plan.target, plan=plan)
    await app.push_screen(page)
    page.post_message(ResetTold(ResetReport(plan, {Partition("orders", 0): 5420})))


async def one_topic(pilot: Pilot[Any], app: Dashboard) -> None:
    await go(pilot, app, "5")
    await answer(pilot, app.questions.lag, reports.sick_lag())
    await answer(pilot, app.questions.topics, reports.topics())
    await app.push_screen(TopicPage("orders"))


def tailing(*glances: Glanced, held: bool = False, failure: str | None = None) -> Opens:
    """The live tail after those looks."""

    async def opens(pilot: Pilot[Any], app: Dashboard) -> None:
        app.is_paused = False
        for watch in app.questions.shared:
            watch.put(reports.NOW)
        page = TailPage("orders")
        await app.open("topics", page)
        page._ended.set()  # nobody listens at the address: the looks are those that are given
        for one in glances:
            page.post_message(one)
            await pilot.pause()
        await pilot.pause()  # the cursor follows once the rows are laid out
        if held:
            await pilot.press("up", "up")
        if failure is not None:
            page.post_message(NotGlanced(failure))
        await pilot.pause()

    return opens


def looks(*, passed: int = 0) -> tuple[Glanced, ...]:
    """Five, of which the last ones come faster."""
    events = [read_event(reports.order(number)) for number in range(100, 140)]
    cuts = (0, 10, 14, 20, 30, 40)
    return tuple(
        Glanced(Glance(tuple(events[first:end]), end - first + passed, passed))
        for first, end in itertools.pairwise(cuts)
    )


def found(*, passed: int, is_over: bool = False, is_full: bool = False, failure: str | None = None) -> Opens:
    """A search that has come so far, of a thousand offsets."""

    async def opens(pilot: Pilot[Any], app: Dashboard) -> None:
        await go(pilot, app, "6")
        page = front(app, EventsPage)
        page.query_ = Query("value.data.total > 10", "orders*", "1h")
        for field, value in zip(page.query(Field), ("value.data.total > 10", "orders*", "1h", ""), strict=True):
            field.put(value)
        page._number, page._began, page._found = 1, reports.ago(2), ()
        if not is_over and failure is None:
            page._search = Combing(1, page.post_message)
        events = tuple(read_event(reports.order(number)) for number in range(100, 100 + passed // 40))
        coverage = Coverage(3, 3 if is_over else 1, passed, passed * 400)
        page.post_message(SeenMore(1, Seen(passed, events, (), passed, 1000, coverage), is_full, is_over))
        if failure is not None:
            page.post_message(SearchEnded(1, failure))
        await pilot.pause()

    return opens


async def unasked(pilot: Pilot[Any], app: Dashboard) -> None:
    await go(pilot, app, "6")


async def writing(pilot: Pilot[Any], _app: Dashboard) -> None:
    await pilot.press("6", "w", *"value.total")


async def wrong_condition(pilot: Pilot[Any], _app: Dashboard) -> None:
    await pilot.press("6", "w", *"value.", "enter")


async def one_record(pilot: Pilot[Any], app: Dashboard) -> None:
    await found(passed=1000, is_over=True)(pilot, app)
    await pilot.press("enter")


async def the_help(pilot: Pilot[Any], app: Dashboard) -> None:
    await pilot.press("4", "question_mark")


def just_section(key: str) -> Opens:
    """A section of which nothing is known yet."""

    async def opens(pilot: Pilot[Any], app: Dashboard) -> None:
        await go(pilot, app, key)

    return opens


def empty_peek() -> PeekReport:
    """No record is around the offset: all of it is cut."""
    place = Place(Partition("orders", 0), 120, 120, 120, 120, None)
    return replace(reports.peek(), partitions=(Surroundings(place, (), (), ()),))


def loading(opens: Opens) -> Opens:
    """Asked, and not answered yet."""

    async def opened(pilot: Pilot[Any], app: Dashboard) -> None:
        app.is_paused = False
        for watch in app.questions.shared:
            watch.put(reports.NOW)
        await opens(pilot, app)

    return opened


def loading_page(page: Callable[[], Page]) -> Opens:
    """The same of a page that asks something of its own."""

    async def opens(pilot: Pilot[Any], app: Dashboard) -> None:
        opened = page()
        await app.open(opened.section, opened)
        app.is_paused = False
        for watch in (*app.questions.shared, *opened.watches):
            watch.put(reports.NOW)
        opened.refresh_all()

    return opens


def resetting(plan: ResetPlan | None, *told: Message) -> Opens:
    """A reset's plan, and what became of it; without a plan nobody makes one."""

    async def opens(pilot: Pilot[Any], app: Dashboard) -> None:
        await go(pilot, app, "2")
        page = ResetPage("audit-group", reports.reset_plan().target, plan=plan or reports.reset_plan())
        await app.push_screen(page)
        if plan is None:
            page._report, page.phase = None, Phase.PLANNING
        for one in told:
            page.post_message(one)
        await pilot.pause()
        page.refresh_all()

    return opens


async def loading_trace(pilot: Pilot[Any], app: Dashboard) -> None:
    under_way = Found(400_000, 1_000_000, 2, fetched=90_000_000)
    await search(pilot, app, Searched("req-1", under_way))
    front(app, TracePage)._began = reports.ago(3)
    app.repaint()


async def forbidden_trace(pilot: Pilot[Any], app: Dashboard) -> None:
    await search(pilot, app, SearchFailed("req-1", FORBIDDEN_TOPIC))


LAG = section("2", lambda app: app.questions.lag, reports.sick_lag())
DLQ = section("4", lambda app: app.questions.letters, reports.some_topics())
TOPICS = section("5", lambda app: app.questions.topics, reports.topics())

STATES: dict[str, Opens] = {
    "overview-loading": nothing_yet,
    "overview-empty": empty_overview,
    "overview-healthy": healthy_overview,
    "overview-sick": overview,
    "overview-offline": overview_with_partitions_offline,
    "overview-disconnected": failing(overview, DISCONNECTED, old=42),
    "overview-never-answered": failing(nothing_yet, DISCONNECTED),
    "overview-no-permission": failing(nothing_yet, FORBIDDEN),
    "lag-loading": loading(just_section("2")),
    "lag-empty": section("2", lambda app: app.questions.lag, reports.lag()),
    "lag-healthy": section("2", lambda app: app.questions.lag, reports.healthy_lag()),
    "lag-sick": LAG,
    "lag-disconnected": failing(LAG, DISCONNECTED, old=42),
    "lag-no-permission": failing(section("2", lambda app: app.questions.lag), FORBIDDEN),
    "group-loading": loading(just(lambda: GroupPage("billing-group"))),
    "group-healthy": just(lambda: GroupPage("billing-group"), reports.healthy_lag()),
    "group-sick": one_group,
    "group-disconnected": failing(one_group, DISCONNECTED, old=42),
    "group-no-permission": failing(just(lambda: GroupPage("billing-group")), FORBIDDEN),
    "peek": peek,
    "peek-loading": loading_page(lambda: PeekPage("billing-group", Partition("orders", 0))),
    "peek-empty": just(lambda: PeekPage("billing-group", Partition("orders", 0)), empty_peek()),
    "peek-disconnected": failing(peek, DISCONNECTED, old=42),
    "peek-no-permission": failing(just(lambda: PeekPage("billing-group", Partition("orders", 0))), FORBIDDEN),
    "group-gone": just(lambda: GroupPage("gone-group"), reports.sick_lag()),
    "reset-loading": resetting(None),
    "reset-plan": resetting(reports.reset_plan()),
    "reset-empty": resetting(reports.reset_plan(after=10)),
    "reset-refused": resetting(
        reports.reset_plan(members=2, refused=[Refusal("orders", 0, "the group has 2 members: stop them first")])
    ),
    "reset-disconnected": resetting(reports.reset_plan(), BrokeOff(DISCONNECTED)),
    "reset-no-permission": resetting(None, Unplanned(FORBIDDEN)),
    "reset-confirming": reset,
    "reset-writing": reset_writing,
    "reset-done": reset_done,
    "trace-loading": loading_trace,
    "trace-no-permission": forbidden_trace,
    "trace-empty": section("3", lambda app: app.questions.lag),
    "trace-found": trace,
    "trace-nothing-found": no_trace,
    "trace-disconnected": failed_trace,
    "dlq-empty": section("4", lambda app: app.questions.letters, reports.listed()),
    "dlq-sick": DLQ,
    "dlq-unreadable": section("4", lambda app: app.questions.letters, reports.unreadable_topics()),
    "dlq-disconnected": failing(DLQ, DISCONNECTED, old=42),
    "dlq-no-permission": failing(section("4", lambda app: app.questions.letters), FORBIDDEN),
    "causes": causes,
    "causes-loading": loading_causes,
    "causes-empty": just(lambda: CausesPage("notes-dlt"), reports.letters(topic="notes-dlt")),
    "causes-disconnected": failing(causes, DISCONNECTED, old=42),
    "causes-no-permission": failing(just(lambda: CausesPage("users-dlt")), FORBIDDEN),
    "letters": letters,
    "letters-marked": marked_letters,
    "letters-disconnected": failing(letters, DISCONNECTED, old=42),
    "letters-no-permission": failing(unread_letters, FORBIDDEN_TOPIC),
    "letter": letter,
    "letter-disconnected": failing(letter, DISCONNECTED, old=42),
    "letter-never-answered": failing(just(lambda: LetterPage(reports.letter(2).position)), DISCONNECTED),
    "letter-no-ledger": letter_without_ledger,
    "letter-no-permission": failing(just(lambda: LetterPage(reports.letter(2).position)), FORBIDDEN),
    "ledger": just(lambda: LedgerPage("users-dlt"), reports.ledger()),
    "ledger-empty": just(lambda: LedgerPage("users-dlt"), Deeds(())),
    "ledger-no-permission": just(lambda: LedgerPage("users-dlt"), Deeds((), (UNREADABLE_LEDGER,))),
    "ledger-disconnected": failing(just(lambda: LedgerPage("users-dlt"), reports.ledger()), DISCONNECTED, old=42),
    "replay-plan": plan,
    "discard-plan": discarding,
    "replay-ramp": ramping,
    "replay-confirming": confirming,
    "replay-running": running,
    "replay-interrupted": interrupted,
    "replay-no-permission": unplanned,
    "topics-loading": loading(just_section("5")),
    "topics-healthy": section("5", lambda app: app.questions.topics, reports.healthy_topics()),
    "topics-sick": TOPICS,
    "topic": one_topic,
    "topic-loading": loading(just(lambda: TopicPage("orders"))),
    "topic-gone": just(lambda: TopicPage("gone"), reports.topics(), reports.healthy_lag()),
    "topic-disconnected": failing(one_topic, DISCONNECTED, old=42),
    "topic-no-permission": failing(just(lambda: TopicPage("orders")), FORBIDDEN_TOPIC),
    "topics-empty": section("5", lambda app: app.questions.topics, replace(reports.topics(), topics=())),
    "topics-disconnected": failing(TOPICS, DISCONNECTED, old=42),
    "topics-no-permission": failing(section("5", lambda app: app.questions.topics), FORBIDDEN),
    "tail-loading": tailing(),
    "tail-empty": tailing(Glanced(Glance((), 0, 0))),
    "tail-healthy": tailing(*looks()),
    "tail-firehose": tailing(*looks(passed=19_600)),
    "tail-held": tailing(*looks(), held=True),
    "tail-disconnected": tailing(*looks(), failure=DISCONNECTED),
    "tail-no-permission": tailing(failure="not authorized to read the topic orders: grant READ on it"),
    "record": one_record,
    "events-unasked": unasked,
    "events-writing": writing,
    "events-wrong": wrong_condition,
    "events-loading": found(passed=400),
    "events-full": found(passed=800, is_full=True),
    "events-done": found(passed=1000, is_over=True),
    "events-nothing": found(passed=30, is_over=True),
    "events-disconnected": found(passed=400, failure=DISCONNECTED),
    "events-no-permission": found(passed=0, failure=FORBIDDEN),
    "help": the_help,
}
SIZED: dict[str, Opens] = {
    "overview": overview,
    "overview-offline": overview_with_partitions_offline,
    "lag": LAG,
    "group": one_group,
    "peek": peek,
    "reset": reset,
    "trace": trace,
    "dlq": DLQ,
    "causes": causes,
    "letters": letters,
    "letter": letter,
    "ledger": just(lambda: LedgerPage("users-dlt"), reports.ledger()),
    "replay-plan": plan,
    "topics": TOPICS,
    "topic": one_topic,
    "record": one_record,
    "tail": tailing(*looks(passed=19_600), held=True),
    "events": found(passed=400),
}


@pytest.mark.parametrize("state", STATES)
def test_screen(snap_compare: Compare, state: str) -> None:
    assert picture(snap_compare, STATES[state])


@pytest.mark.parametrize("size", ["narrow", "tiny", "tiniest", "wide"])
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
