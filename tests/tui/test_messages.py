"""What the dashboard makes of messages and keys; no cluster is asked."""

from __future__ import annotations

import base64
import re
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.events import Key, Paste
from textual.widgets import ProgressBar

import eventops.tui
from eventops.dlq.model import Selection, State
from eventops.dlq.replay_model import Step
from eventops.events import Partition, Position
from eventops.tui.app import Dashboard
from eventops.tui.asking import in_turn
from eventops.tui.confirming import Phase
from eventops.tui.dlq import CausesPage, TopicsPage
from eventops.tui.help import HelpPage
from eventops.tui.keys import AfterEscape
from eventops.tui.lag import GroupPage, LagPage
from eventops.tui.lag_columns import worst_first
from eventops.tui.letters import LetterPage, LettersPage
from eventops.tui.messages import Arriving, BrokeOff, NotAnswered, Searched, SearchFailed, Stepped, Unplanned
from eventops.tui.overview import OverviewPage
from eventops.tui.page import Page
from eventops.tui.replay import ReplayPage
from eventops.tui.replay_options import set_rate
from eventops.tui.topics import TopicListPage, TopicPage
from eventops.tui.trace import TracePage
from eventops.tui.watch import Watch
from eventops.tui.widgets.prompt import Bottom, Prompt
from tests.tui import reports
from tests.tui.stage import answer, answer_all, current, front, go, shown, still, table, type_text, until

pytestmark = pytest.mark.asyncio

_NAMES = {":": "colon", "/": "slash", " ": "space"}


async def test_nothing_known_is_said_and_not_shown_as_nothing() -> None:
    app = still()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        text = shown(pilot)
        assert "no answer yet" in text
        assert "PAUSED" in text
        assert "paused: r asks the cluster" in text
        assert "No letter is open" not in text


async def test_a_failed_refresh_keeps_the_figures_dims_them_and_says_why() -> None:
    app = still()
    async with app.run_test(size=(100, 30)) as pilot:
        await answer_all(pilot, app)
        lag = app.questions.lag
        assert not app.screen.query_one("#body").has_class("-stale")
        assert lag.answered_at is not None
        lag.answered_at -= timedelta(seconds=30)
        app.post_message(NotAnswered(lag, "nobody answers at kafka-1:9092"))
        await pilot.pause()
        text = shown(pilot)
        assert "no answer for 30 s, retrying: nobody answers at kafka-1:9092" in text
        assert "30 s old" in text
        assert "billing-group" in text
        assert app.screen.query_one("#body").has_class("-stale")
        await answer(pilot, lag, reports.healthy_lag())
        assert "retrying" not in shown(pilot)
        assert not app.screen.query_one("#body").has_class("-stale")


async def test_a_refusal_is_an_answer() -> None:
    app = still()
    why = "kafka-1:9092 forbids it for billing (Broker: Group authorization failed): it takes DESCRIBE on the group"
    async with app.run_test(size=(160, 30)) as pilot:
        lag = app.questions.lag
        lag.put(reports.ago(12))
        app.post_message(NotAnswered(lag, why, is_told=True))
        await until(
            pilot, lambda: f"! {why}; asking again" in shown(pilot), "what is refused, and which right it takes"
        )
        assert "nothing known yet" in shown(pilot)
        assert "no answer" not in shown(pilot)
        await answer_all(pilot, app)
        assert lag.answered_at is not None
        lag.answered_at -= timedelta(seconds=30)
        app.post_message(NotAnswered(lag, why, is_told=True))
        await until(pilot, lambda: f"! {why}; asking again, the figures are 30 s old" in shown(pilot), "what is shown")
        assert app.screen.query_one("#body").has_class("-stale")
        app.post_message(NotAnswered(lag, "nobody answers at kafka-1:9092"))
        await until(pilot, lambda: "! no answer for " in shown(pilot), "that it fell silent then")


@pytest.mark.parametrize("before", [[":"], ["3", "s"], ["/"]])
async def test_keys_that_come_in_a_burst_are_text_once_the_line_was_asked_for(before: list[str]) -> None:
    app = still()
    async with app.run_test(size=(100, 30)) as pilot:
        await answer_all(pilot, app)
        await pilot.press(*before[:-1])
        burst(app, before[-1], *"req:/q1s")
        await pilot.pause()
        await pilot.pause()
        assert app.is_running
        assert app.screen.query_one(Prompt).value == "req:/q1s"


@pytest.mark.parametrize(
    ("keys", "left"),
    [
        ([*"mail", "enter"], {"mail-group"}),
        ([*"bill", "ctrl+u", *"mail", "enter"], {"mail-group"}),
        ([*"mailx", "backspace", "enter"], {"mail-group"}),
        ([*"al", "home", *"m", "right", *"i", "delete", *"l", "enter"], {"mail-group"}),
        ([*"mail", "escape"], {"billing-group", "audit-group", "mail-group", "new-group"}),
    ],
)
async def test_keys_of_a_burst_edit_in_the_order_in_which_they_come(keys: list[str], left: set[str]) -> None:
    app = still()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("2")
        await answer(pilot, app.questions.lag, reports.sick_lag())
        burst(app, "/", *keys)
        await pilot.pause()
        await pilot.pause()
        assert {row.group.group for row in table(app, "groups").rows} == left


@pytest.mark.parametrize(
    ("keys", "leads_to", "crumb"),
    [
        (["2", "/", *"mail", "enter", "enter"], GroupPage, "mail-group"),
        (["4", "/", *"orders", "enter", "enter"], CausesPage, "orders-dlt"),
        (["5", "/", "ctrl+u", *"users", "enter", "enter"], TopicPage, "users"),
    ],
)
async def test_keys_typed_ahead_are_for_the_screens_that_they_lead_to(
    keys: list[str], leads_to: type[Page], crumb: str
) -> None:
    app = still()
    async with app.run_test(size=(100, 30)) as pilot:
        await answer_all(pilot, app)
        burst(app, *keys)
        await until(pilot, lambda: isinstance(app.screen, leads_to), "the row that is left")
        assert front(app, leads_to).crumbs == (crumb,)


async def test_a_confirmation_typed_ahead_is_one() -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        page = ReplayPage(Selection("users-dlt"), reports.plan(3))
        await app.open("dlq", page)
        page.execute = lambda: None  # type: ignore[method-assign]
        burst(app, "x", *"yes", "enter")
        await until(pilot, lambda: page.phase is Phase.RUNNING, "it was confirmed")
        assert "copied" not in shown(pilot), "y is text here"


async def test_what_is_pasted_behind_a_key_is_for_the_line_that_it_opens() -> None:
    app = still()
    async with app.run_test(size=(100, 30)) as pilot:
        await answer_all(pilot, app)
        burst(app, "2", "/")
        app.post_message(Paste("bill"))
        burst(app, "i", "enter")
        await until(pilot, lambda: bool(app.screen.query("#groups")), "the groups")
        await until(pilot, lambda: table(app, "groups").needle == "billi", "what was pasted and typed")
        assert {row.group.group for row in table(app, "groups").rows} == {"billing-group"}


@pytest.mark.parametrize(
    ("behind", "value", "section"),
    [
        (AfterEscape("4", "4"), None, "dlq"),
        (AfterEscape("b", "b"), "groups Xmail", "lag"),
        (AfterEscape("backspace", None), "groups X", "lag"),
    ],
)
async def test_a_key_right_behind_escape_is_one_and_alt_moves_by_words(
    behind: Key, value: str | None, section: str
) -> None:
    app = still()
    async with app.run_test(size=(100, 30)) as pilot:
        await answer_all(pilot, app)
        burst(app, "2", "/", *"groups", " ", *"mail")
        app.post_message(behind)
        burst(app, *([] if value is None else ["X"]))
        await until(pilot, lambda: app.current_mode == section and app.screen.is_mounted, "the section")
        if value is not None:
            await until(pilot, lambda: [one.value for one in app.screen.query(Prompt)] == [value], "what is typed")
        assert app.screen.query_one(Bottom).is_open is (value is not None)


async def test_a_key_that_got_lost_with_its_screen_holds_up_no_other() -> None:
    app = still()
    async with app.run_test(size=(100, 30)) as pilot:
        await answer_all(pilot, app)
        app._handed_on, app._teller = time.monotonic(), Prompt()
        burst(app, "2")
        await until(pilot, lambda: isinstance(app.screen, LagPage), "the next key")


async def test_a_key_waits_for_the_screen_before_it_however_slow_the_machine_is() -> None:
    app = still()
    async with app.run_test(size=(100, 30)) as pilot:
        await answer_all(pilot, app)
        app._handed_on, app._teller = time.monotonic() - 2, app.screen
        burst(app, "2")
        await until(pilot, lambda: bool(app._keys), "it came")
        await app.hurry_keys()
        assert app._keys, "it waits for the screen"
        app._handed_on = time.monotonic() - 10
        await app.hurry_keys()
        await until(pilot, lambda: isinstance(app.screen, LagPage), "the next key")


def burst(app: Dashboard, *keys: str) -> None:
    """As over a slow line: all of it at once, no pause between."""
    for key in keys:
        app.post_message(Key(_NAMES.get(key, key), key if len(key) == 1 else None))


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param("2 enter escape", id="a step back from a page that isn't built"),
        pytest.param("2 enter escape escape", id="and one more"),
        pytest.param("4 enter escape escape", id="causes, whose marks end first"),
        pytest.param("5 enter escape escape", id="a topic"),
        pytest.param("2 down enter y x / up", id="keys of the page that comes"),
        pytest.param("4 space enter d D s", id="deeds of the page that comes"),
        pytest.param("5 l U tab space enter U", id="deeds that aren't here"),
    ],
)
async def test_a_burst_of_ways_forth_and_back_leaves_a_screen_that_answers(keys: str) -> None:
    app = still()
    async with app.run_test(size=(160, 45)) as pilot:
        await answer_all(pilot, app)
        burst(app, *keys.split())
        await until(pilot, lambda: not app._keys and app._handed_on is None, "all keys were handed on")
        await pilot.press("escape", "1")
        await until(pilot, lambda: app.current_mode == "overview", "the dashboard answers")


async def test_letters_that_came_since_the_causes_were_asked_are_not_said_to_have_none() -> None:
    app = still()
    async with app.run_test(size=(160, 45)) as pilot:
        await answer_all(pilot, app)
        asked, said = app.questions.causes, "Causes of open letters  0"
        await answer(pilot, asked, ())
        await until(pilot, lambda: said in shown(pilot), "what causes say that are as new as the letters")
        assert asked.answered_at is not None
        asked.answered_at -= timedelta(seconds=1)
        app.repaint()
        await until(pilot, lambda: said not in shown(pilot), "what older ones can't say")


async def test_what_follows_enter_is_for_the_page_that_it_opens() -> None:
    app = still()
    async with app.run_test(size=(160, 45)) as pilot:
        await answer_all(pilot, app)
        await go(pilot, app, "2")
        burst(app, "enter", "y")
        await until(pilot, lambda: bool(app.clipboard), "something is copied")
        assert app.clipboard.split()[-2] == "lag", app.clipboard
        assert isinstance(app.screen, GroupPage)


async def test_groups_are_shown_before_the_last_one_came_in() -> None:
    app = still()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("2")
        app.post_message(Arriving(app.seat, worst_first(reports.sick_lag().groups[:2], {})))
        await pilot.pause()
        text = shown(pilot)
        assert "audit-group" in text
        assert "2  so far, more are coming" in text
        assert "no answer yet" in text, "the figures aren't whole"
        await answer(pilot, app.questions.lag, reports.sick_lag())
        text = shown(pilot)
        assert "so far" not in text
        assert "new-group" in text


async def test_the_cursor_stays_on_its_row_when_rows_come_go_and_change_places() -> None:
    app = still()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("2")
        await answer(pilot, app.questions.lag, reports.sick_lag())
        names = [row.group.group for row in table(app, "groups").rows]
        assert names[0] != "billing-group", "the worst stands first"
        await pilot.press(*["down"] * names.index("billing-group"))
        assert current(app, "groups").group.group == "billing-group"
        await answer(
            pilot,
            app.questions.lag,
            reports.lag(
                reports.group("another-group", reports.partition("orders", 0, 10, 5420, 9.0), members=0),
                reports.group("billing-group", reports.partition("orders", 0, 120, 120)),
                reports.group("a-third-group", reports.partition("orders", 0, 120, 120)),
            ),
        )
        assert current(app, "groups").group.group == "billing-group"
        assert "mail-group" not in shown(pilot)


@pytest.mark.parametrize(
    ("needle", "left"),
    [
        ("BILL", {"billing-group"}),
        ("!billing", {"audit-group", "mail-group", "new-group"}),
        ("^(audit|mail)-", {"audit-group", "mail-group"}),
        ("(", set()),
    ],
)
async def test_a_filter_narrows_the_rows_and_escape_shows_them_all(needle: str, left: set[str]) -> None:
    app = still()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("2")
        await answer(pilot, app.questions.lag, reports.sick_lag())
        await pilot.press("slash")
        app.screen.query_one("Prompt").value = needle  # type: ignore[attr-defined]
        await pilot.press("enter")
        await pilot.pause()
        text = shown(pilot)
        every = {"billing-group", "audit-group", "mail-group", "new-group"}
        assert {name for name in every if name in text} == left
        assert f"{len(left)} of 4" in text
        await pilot.press("escape")
        assert {name for name in every if name in shown(pilot)} == every


async def test_columns_are_sorted_with_the_unknown_last() -> None:
    app = still()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("2")
        await answer(pilot, app.questions.lag, reports.sick_lag())
        groups = table(app, "groups")

        def order() -> list[str]:
            return [row.group.group for row in groups.rows]

        groups.sort_by("lag")
        await pilot.pause()
        assert order()[:2] == ["audit-group", "billing-group"], "the largest first"
        assert set(order()[2:]) == {"mail-group", "new-group"}, "what isn't known stands last, whichever way round"
        await pilot.press("O")
        assert order()[:2] == ["billing-group", "audit-group"]
        assert set(order()[2:]) == {"mail-group", "new-group"}
        groups.sort_by(None)
        await pilot.press("o")
        assert order() == ["audit-group", "billing-group", "mail-group", "new-group"], "text from a to z"
        assert "group ↑" in shown(pilot)


async def test_enter_leads_deeper_and_escape_back() -> None:
    app = still()
    async with app.run_test(size=(100, 30)) as pilot:
        await answer_all(pilot, app)
        front(app, OverviewPage)
        await pilot.press("4")
        front(app, TopicsPage)
        await pilot.press("down", "enter")
        assert front(app, CausesPage).topic == "users-dlt"
        await answer(pilot, front(app, CausesPage).watches[0], reports.some_letters())
        await pilot.press("enter")
        await answer(pilot, front(app, LettersPage).watches[0], reports.some_letters().letters)
        await pilot.press("enter")
        assert front(app, LetterPage).position == Position("users-dlt", 0, 6), "the oldest first"
        await pilot.press("escape", "escape")
        front(app, CausesPage)
        await pilot.press("1", "4")
        front(app, CausesPage)  # a section is as it was left
        await pilot.press("4")
        front(app, TopicsPage)  # its own key again leads to its top


async def test_from_anywhere_t_traces_and_d_opens_the_dead_letters() -> None:
    app = still()
    async with app.run_test(size=(100, 30)) as pilot:
        await answer_all(pilot, app)
        await pilot.press("tab", "tab", "t")
        assert front(app, TracePage).identifier == "req-0000", "the example of the cause under the cursor"
        await pilot.press("escape")
        front(app, OverviewPage)
        await pilot.press("2", "d")
        assert front(app, CausesPage).topic == "users-dlt"
        await pilot.press("5", "d")
        assert front(app, CausesPage).topic == "orders-dlt"


async def test_d_on_a_trace_opens_a_letter_of_the_chain() -> None:
    app = still()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("3")
        page = front(app, TracePage)
        page.identifier = "req-1"
        page.post_message(Searched("req-1", reports.found(reports.trace())))
        await pilot.pause()
        assert "dead-lettered" in shown(pilot)
        await pilot.press("d")
        assert front(app, LetterPage).position == Position("users-dlt", 0, 2)


async def test_an_answer_to_an_earlier_search_is_not_taken_for_this_one() -> None:
    app = still()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("3")
        page = front(app, TracePage)
        page.identifier = "req-2"
        page.post_message(Searched("req-1", reports.found(reports.trace())))
        page.post_message(SearchFailed("req-1", "nobody answers"))
        await pilot.pause()
        assert page.report is None
        assert "nobody answers" not in shown(pilot)
        page.post_message(SearchFailed("req-2", "nobody answers"))
        await pilot.pause()
        assert "nobody answers  (r searches again)" in shown(pilot)


async def test_a_topic_leads_to_its_readers() -> None:
    app = still()
    async with app.run_test(size=(100, 30)) as pilot:
        await answer_all(pilot, app)
        await pilot.press("5")
        front(app, TopicListPage)
        await pilot.press("enter")
        front(app, TopicPage)
        assert "eventops --context prod topics show orders" in shown(pilot)
        await pilot.press("tab", "down", "enter")
        assert front(app, GroupPage).group == "billing-group"


async def test_commands_have_short_forms_and_complete() -> None:
    app = still()
    async with app.run_test(size=(100, 30)) as pilot:
        await answer_all(pilot, app)
        await pilot.press("colon", "l", "space", "b", "i")
        await pilot.pause()
        await pilot.press("tab", "enter")
        await pilot.pause()
        assert front(app, GroupPage).group == "billing-group"
        await pilot.press("colon")
        await type_text(pilot, "nonsense")
        front(app, GroupPage)
        assert any("no such command: nonsense" in note.message for note in app._notifications)
        await pilot.press("colon")
        await type_text(pilot, "lag")
        front(app, LagPage)


async def test_the_help_has_every_key_of_the_screen() -> None:
    app = still()
    async with app.run_test(size=(100, 60)) as pilot:
        await pilot.press("4", "question_mark")
        front(app, HelpPage)
        text = shown(pilot)
        for needed in ("replay what is marked", "pause", "copy the command", ":topics", "sort by the next"):
            assert needed in text
        await pilot.press("escape")
        front(app, TopicsPage)


async def test_y_copies_the_command_of_the_screen() -> None:
    app = still()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("4")
        await answer(pilot, app.questions.letters, reports.some_topics())
        await pilot.press("enter", "y")
        assert app.clipboard == "eventops --context prod dlq groups orders-dlt"


async def test_what_is_copied_never_holds_a_control_character() -> None:
    app = still()
    hostile = "a\n\x1b[201~rm -rf ~\n'"
    async with app.run_test(size=(100, 30)) as pilot:
        await app.push_screen(GroupPage(hostile))
        await pilot.press("y")
        assert app.clipboard.isprintable()
        assert app.clipboard == "eventops --context prod lag $'a\\x0a\\x1b[201~rm -rf ~\\x0a\\''"


async def test_pause_and_pace() -> None:
    app = still()
    async with app.run_test(size=(100, 30)) as pilot:
        app.questions.lag.asked_at = app.questions.cluster.asked_at = reports.NOW
        for watch in app._wanted():
            watch.asked_at = reports.NOW
        await pilot.press("2")
        await answer(pilot, app.questions.lag, reports.healthy_lag())
        assert "PAUSED" in shown(pilot)
        await pilot.press("minus")
        assert app.questions.lag.every == 4.0
        for _ in range(12):
            await pilot.press("plus")
        assert app.questions.lag.every == 0.5, "twice a second is the most"


async def test_the_read_only_badge_is_enforced() -> None:
    app = still(read_only=True, colour="red")
    async with app.run_test(size=(100, 30)) as pilot:
        page = ReplayPage(Selection("users-dlt"), reports.plan(3))
        await app.push_screen(page)
        assert "READ-ONLY" in shown(pilot)
        assert "x execute" not in shown(pilot)
        await pilot.press("x")
        assert "the context prod is read-only" in shown(pilot)
        assert page.phase is Phase.PLANNED
        assert not page.query_one(Bottom).is_asking, "nothing can be confirmed"


@pytest.mark.parametrize(
    ("count", "typed"), [(3, "no"), (3, ""), (3, "Yes"), (101, "yes"), (101, "users"), (101, "users-dlt-2")]
)
async def test_anything_but_what_was_asked_for_writes_nothing(count: int, typed: str) -> None:
    app = still()
    async with app.run_test(size=(100, 30)) as pilot:
        page = ReplayPage(Selection("users-dlt"), reports.plan(count))
        await app.push_screen(page)
        await pilot.press("x")
        assert ("type users-dlt to put 101 letters" if count > 100 else "type yes to put 3 letters") in shown(pilot)
        await type_text(pilot, typed)
        assert page.phase is Phase.PLANNED
        assert "nothing was written yet" in shown(pilot)
        assert not [worker for worker in app.workers if worker.name == "replay"]


async def test_the_stages_of_a_replay_on_the_screen() -> None:
    app = still()
    async with app.run_test(size=(100, 30)) as pilot:
        plan = reports.plan(3, warnings=("the group mail-group has no members now",), refused=1)
        page = ReplayPage(Selection("users-dlt"), plan)
        await pilot.press("4")
        await app.push_screen(page)
        text = shown(pilot)
        for needed in (
            "3  letters to users",
            "▲ the group mail-group has no members",
            "guarantee: exactly once",
            "x execute",
        ):
            assert needed in text
        page.phase = Phase.RUNNING
        app.begin_writing(page)
        page.post_message(Stepped(Step(1, 3)))
        await pilot.pause()
        assert page.query_one(ProgressBar).percentage == pytest.approx(1 / 3)
        await pilot.press("4")
        assert app.screen is page, "what writes isn't left where nobody sees it"
        await pilot.press("escape")
        assert page.phase is Phase.STOPPING
        page.post_message(Stepped(Step(1, 3, report=reports.outcome(plan, interrupted=True))))
        await pilot.pause()
        text = shown(pilot)
        assert "interrupted" in text
        assert "to go on: eventops dlq replay users-dlt --all --execute" in text
        assert "2  remaining" in text


async def test_leaving_stops_a_running_replay_first() -> None:
    app = still()
    async with app.run_test(size=(100, 30)) as pilot:
        page = ReplayPage(Selection("users-dlt"), reports.plan(3))
        await app.push_screen(page)
        page.phase = Phase.RUNNING
        app.begin_writing(page)
        await pilot.press("q")
        assert app.is_running
        assert page.phase is Phase.STOPPING
        await pilot.press("q")
    assert not app.is_running


@pytest.mark.parametrize("failure", [Unplanned("there is no topic 'x'"), BrokeOff("there is no topic 'x'")])
async def test_a_failed_plan_or_replay_says_why(failure: Unplanned | BrokeOff) -> None:
    app = still()
    async with app.run_test(size=(100, 30)) as pilot:
        page = ReplayPage(Selection("x"), reports.plan(1))
        await app.push_screen(page)
        page.post_message(failure)
        await pilot.pause()
        assert "! there is no topic 'x'" in shown(pilot)
        await pilot.press("x")
        assert page.phase is Phase.FAILED


async def test_keys_are_for_the_rows_again_once_they_are_seen_again() -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        await app.open("dlq", ReplayPage(Selection("users-dlt"), reports.plan(3)))
        await until(pilot, lambda: app.screen.focused is not None, "the rows")
        for size in ((60, 15), (20, 5), (60, 15), (120, 40)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
        await until(pilot, lambda: app.screen.focused is not None, "the rows once more")


async def test_the_last_screens_size_is_no_matter() -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        await answer_all(pilot, app)
        for size in ((40, 12), (10, 4), (1, 1), (200, 60)):
            await pilot.resize_terminal(*size)
            for key in ("1", "2", "3", "4", "5"):
                await pilot.press(key)
        assert "users-dlt" not in shown(pilot)
        await pilot.press("1")
        assert "audit-group" in shown(pilot)


async def test_clipboard_is_set_by_osc_52() -> None:
    """The terminal is asked in base64, so that nothing of the text can end the sequence."""
    app = still()
    async with app.run_test(size=(100, 30)) as pilot:
        written: list[str] = []
        assert app._driver is not None
        app._driver.write = written.append  # type: ignore[method-assign, assignment]
        await pilot.press("2", "y")
        coded = base64.b64encode(b"eventops --context prod lag").decode()
        assert f"\x1b]52;c;{coded}\a" in written


async def test_a_letter_that_was_put_back_changes_on_the_screen() -> None:
    app = still()
    async with app.run_test(size=(100, 40)) as pilot:
        one = reports.letter(2)
        page = LetterPage(one.position)
        await app.push_screen(page)
        await answer(pilot, page.watches[0], one)
        assert "✗ open" in shown(pilot)
        await answer(pilot, page.watches[0], replace(one, state=State.REPLAYED))
        assert "↻ replayed" in shown(pilot)


async def test_partitions_that_nobody_leads_are_an_alarm_on_the_overview() -> None:
    app = still()
    async with app.run_test(size=(100, 30)) as pilot:
        await answer_all(pilot, app, lag=reports.healthy_lag())
        await answer(pilot, app.questions.offline, ())
        assert "offline" in shown(pilot).splitlines()[3]
        assert "partitions offline" not in shown(pilot)
        await answer(pilot, app.questions.offline, (Partition("orders", 0), Partition("users", 1)))
        text = shown(pilot)
        assert "! 2 partitions offline, without a leader nothing can be read or written: orders/0, users/1" in text
        labels = next(line for line in text.splitlines() if "total lag" in line)
        assert labels.split()[0] == "offline", "the alarm stands first"


async def test_the_groups_that_read_a_topic_stand_with_their_lag_and_what_is_unknown_of_it() -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        await answer(pilot, app.questions.lag, reports.sick_lag())
        page = TopicPage("orders")
        await app.open("topics", page)
        found = reports.topics()
        orders = replace(found.topics[0], groups=("audit-group", "billing-group", "gone-group"))
        await answer(pilot, app.questions.topics, replace(found, topics=(orders, found.topics[1])))
        rows = {row.group: row for row in table(app, "readers").rows}
        assert {name: row.lag for name, row in rows.items()} == {
            "audit-group": 5410,
            "billing-group": 5300,
            "gone-group": None,
        }
        lines = {line.split()[0]: line for line in shown(pilot).splitlines() if "-group" in line}
        assert "5,410" in lines["audit-group"]
        assert "5,300" in lines["billing-group"]
        assert "the last poll of the lag has no such group" in lines["gone-group"]
        assert " 0 " not in lines["gone-group"]


async def test_a_dead_letter_topic_that_could_not_be_read_is_unknown_and_never_empty() -> None:
    app = still()
    async with app.run_test(size=(160, 40)) as pilot:
        told = reports.unreadable_topics()
        await go(pilot, app, "4")
        await answer(pilot, app.questions.letters, told)
        assert [row.topic for row in table(app, "topics").rows] == ["part-dlt", "hidden-dlt", "empty-dlt"]
        lines = {line.split()[0]: line.split() for line in shown(pilot).splitlines() if "-dlt" in line}
        assert lines["hidden-dlt"][1] == "?"
        assert "0" not in lines["hidden-dlt"]
        assert " ".join(lines["hidden-dlt"]).endswith("kafka-1:9092 forbids it: READ on the topic")
        assert lines["part-dlt"][1:3] == ["≥", "3"]
        assert lines["empty-dlt"][1] == "0"
        await go(pilot, app, "1")
        await answer(pilot, app.questions.letters, replace(told, topics=told.topics[:2]))
        figures = shown(pilot).splitlines()
        labels = next(number for number, line in enumerate(figures) if "open letters" in line)
        assert figures[labels + 1][figures[labels].index("open letters") :].split()[0] == "?"


async def test_beside_the_lag_one_question_is_asked_after_the_other() -> None:
    app = still()
    async with app.run_test(size=(100, 30)) as pilot:
        await answer(pilot, app.questions.lag, reports.healthy_lag())
        asked = app.questions
        others: list[Watch[Any]] = [asked.letters, asked.causes, asked.offline]
        assert in_turn(others, reports.NOW) == [asked.letters]
        asked.letters.put(reports.NOW)
        assert in_turn(others, reports.NOW) == [], "its answer may come soon"
        later = reports.NOW + timedelta(seconds=2)
        assert in_turn(others, later) == [asked.causes], "one that takes its time holds up nobody"
        asked.letters.miss("no leader")
        assert in_turn(others, reports.NOW) == [asked.causes]


async def test_who_leaves_in_the_middle_of_a_replay_is_told_how_it_goes_on() -> None:
    app = still()
    async with app.run_test(size=(100, 30)) as pilot:
        page = ReplayPage(Selection("users-dlt"), reports.plan(3))
        await app.open("dlq", page)
        page.phase = Phase.RUNNING
        app.begin_writing(page)
        await pilot.press("ctrl+c")
        assert page.phase.name == "STOPPING", "it ends with the transaction in hand"
        await pilot.press("ctrl+c")
        assert str(app.parting).endswith("this goes on: eventops --context prod dlq replay users-dlt --all --execute")


async def test_a_confirmation_is_handled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        page = ReplayPage(Selection("users-dlt"), reports.plan(3))
        await app.open("dlq", page)
        begun: list[str] = []
        monkeypatch.setattr(page, "execute", lambda: begun.append("replay"))
        await pilot.press("x")
        await type_text(pilot, "no")
        assert [note.message for note in app._notifications] == ["not confirmed: that isn't yes; nothing was written"]
        await pilot.press("x")
        await type_text(pilot, "yes")
        assert begun == ["replay"]


async def test_no_handler_calls_its_parents() -> None:
    """Textual does: what a parent does would be done twice."""
    called = re.compile(r"super\(\)\.on_(?!event\b)")
    sources = Path(eventops.tui.__file__).parent.rglob("*.py")
    assert [path.name for path in sources if called.search(path.read_text(encoding="utf-8"))] == []


async def test_a_replays_rate_is_measured_from_its_first_step_and_never_above_its_cap(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = still()
    now = [reports.NOW]
    monkeypatch.setattr(app.desk, "now", lambda: now[0])
    async with app.run_test(size=(120, 40)) as pilot:
        page = ReplayPage(Selection("users-dlt"), reports.plan(100))
        await app.open("dlq", page)
        page.phase, page.manner = Phase.RUNNING, set_rate(page.manner, "20")
        for seconds, done in ((0.7, 20), (0.9, 40), (1.0, 60)):
            now[0] += timedelta(seconds=seconds)
            page.post_message(Stepped(Step(done, 100)))
            await pilot.pause()
            told = "a second" in shown(pilot)
            assert told is (done > 20), "the first step was done at once"
        assert "20 a second   2.0 s left" in shown(pilot)


async def test_causes_of_some_topics_say_so() -> None:
    app = still()
    async with app.run_test(size=(140, 40)) as pilot:
        await answer_all(pilot, app)
        assert "of the 3 topics" not in shown(pilot)
        many = reports.listed(*(reports.topic_counts(f"topic-{number}-dlt", open=12) for number in range(4)))
        await answer(pilot, app.questions.letters, many)
        assert "of the 3 topics with most open letters" in shown(pilot)


async def test_a_key_for_help_and_one_to_leave_stay_in_every_footer() -> None:
    for width in (60, 80, 100, 120):
        app = still()
        async with app.run_test(size=(width, 30)) as pilot:
            await answer_all(pilot, app)
            for section in "123456":
                await go(pilot, app, section)
                assert shown(pilot).splitlines()[-1].endswith("q quit"), (width, section)
                assert "? help" in shown(pilot).splitlines()[-1]
