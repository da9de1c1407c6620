"""Escape ends where one began, however one came there."""

from __future__ import annotations

import pytest

from eventops.tui.dlq import CausesPage, TopicsPage
from eventops.tui.lag import GroupPage
from eventops.tui.ledger import LedgerPage, letter_of
from eventops.tui.letters import LetterPage, LettersPage
from eventops.tui.messages import Searched
from eventops.tui.overview import OverviewPage
from eventops.tui.target import Target
from eventops.tui.topics import TopicListPage, TopicPage
from eventops.tui.trace import TracePage
from tests.tui import reports
from tests.tui.stage import answer, answer_all, current, front, shown, still, table, type_text, until

pytestmark = pytest.mark.asyncio


async def test_from_a_trace_over_a_cause_to_the_overview() -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        await answer_all(pilot, app)
        await pilot.press("tab", "tab", "enter")
        await answer(pilot, front(app, LettersPage).watches[0], reports.some_letters().letters)
        letters = app.screen
        await pilot.press("t")
        front(app, TracePage)
        await pilot.press("escape")
        assert app.screen is letters
        await pilot.press("escape")
        front(app, OverviewPage)
        await pilot.press("escape", "escape", "4")
        front(app, TopicsPage)


async def test_from_a_letter_to_the_history_that_led_to_it() -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        await answer_all(pilot, app)
        await pilot.press("4", "down", "h")
        ledger = front(app, LedgerPage)
        await answer(pilot, ledger.watches[0], reports.ledger())
        at = letter_of(current(app, "deeds"))
        await pilot.press("d")
        assert front(app, LetterPage).position == at
        await pilot.press("d")
        await pilot.press("escape")
        assert app.screen is ledger, "the same letter doesn't lie over itself"
        await pilot.press("escape")
        front(app, TopicsPage)


async def test_from_a_group_to_the_topic_that_it_reads() -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        await answer_all(pilot, app)
        await pilot.press("5", "enter", "tab", "enter")
        group = front(app, GroupPage)
        await pilot.press("escape")
        front(app, TopicPage)
        assert group.group in shown(pilot)
        await pilot.press("escape")
        front(app, TopicListPage)


async def test_the_letters_of_several_topics_are_those_of_these_names_and_of_no_other() -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        names = ("orders.dlq", "users-dlq", "ordersXdlq")
        await answer(pilot, app.questions.letters, reports.listed(*(reports.topic_counts(name) for name in names)))
        await app.open_letters(Target(topics=("orders", "users")))
        await until(pilot, lambda: len(table(app, "topics").rows) == 2, "the filter")
        assert [row.topic for row in table(app, "topics").rows] == ["orders.dlq", "users-dlq"]


async def test_what_a_way_back_leads_to_is_not_closed_on_the_way() -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        await answer_all(pilot, app)
        await pilot.press("4", "down", "enter")
        causes = front(app, CausesPage)
        await answer(pilot, causes.watches[0], reports.some_letters())
        await app.trace("req-1")
        await app.open("dlq", CausesPage("orders-dlt"))
        await pilot.press("escape")
        front(app, TracePage)
        await pilot.press("escape")
        assert app.screen is causes


async def test_there_and_back_again_for_ever_takes_no_more_than_so_many_screens() -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        await answer_all(pilot, app)
        for number in range(50):
            await app.open("dlq", CausesPage(f"topic-{number}-dlt"))
            await app.trace(f"req-{number}")
        await app.open("dlq")
        assert len(app._ways_back) <= 30
        await app.open("dlq", CausesPage("orders-dlt"))
        assert len(app.screen_stack) <= 32


async def test_a_click_on_a_tab_leads_to_its_section() -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        await answer_all(pilot, app)
        at = next(line for line in shown(pilot).splitlines() if "4 dead letters" in line).index("4 dead letters")
        await pilot.click("#tabs", offset=(at + 3, 0))
        await until(pilot, lambda: isinstance(app.screen, TopicsPage), "the section that was clicked on")
        await pilot.click("#tabs", offset=(119, 0))
        front(app, TopicsPage)


async def test_through_two_traces_to_the_earlier_one() -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        await answer_all(pilot, app)
        await app.trace("req-1")
        earlier = front(app, TracePage)
        earlier.post_message(Searched("req-1", reports.found(reports.trace())))
        await pilot.pause()
        await app.open("dlq", CausesPage("orders-dlt"))
        await app.trace("req-2")
        assert front(app, TracePage).identifier == "req-2"
        await pilot.press("escape")
        front(app, CausesPage)
        await pilot.press("escape")
        assert app.screen is earlier
        assert "trace req-1" in shown(pilot)
        assert "user.registered" in shown(pilot), "as it was"
        await pilot.press("escape")
        front(app, OverviewPage)


async def test_an_id_that_is_searched_on_a_trace_lies_over_it() -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        await answer_all(pilot, app)
        await pilot.press("3", "s")
        await type_text(pilot, "req-1")
        first = front(app, TracePage)
        assert first.identifier == "req-1"
        await pilot.press("s")
        await type_text(pilot, "req-2")
        await pilot.press("s")
        await type_text(pilot, "req-2")
        assert front(app, TracePage).identifier == "req-2"
        assert len(app.screen_stack) == 2, "the same one doesn't lie over itself"
        assert app.traced == ["req-2", "req-1"]
        await pilot.press("escape")
        assert app.screen is first
        await pilot.press("escape")
        assert app.screen is first, "the section's top"


async def test_a_click_on_the_own_sections_tab_leads_to_its_top_and_the_screen_answers() -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        await answer_all(pilot, app)
        await pilot.press("5", "enter")
        front(app, TopicPage)
        at = next(line for line in shown(pilot).splitlines() if "5 topics" in line).index("5 topics")
        await pilot.click("#tabs", offset=(at + 3, 0))
        await until(pilot, lambda: isinstance(app.screen, TopicListPage), "the section's top")
        await pilot.press("enter")
        front(app, TopicPage)


async def test_ids_that_are_searched_one_over_the_other_without_end_leave_a_screen_that_answers() -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("3")
        for number in range(35):
            await pilot.press("s", *f"req{number}", "enter")
            await until(pilot, lambda name=f"req{number}": front(app, TracePage).identifier == name, "its trace")  # type: ignore[misc]
        assert len(app.screen_stack) <= 32
        await pilot.press("escape", "2")
        await until(pilot, lambda: app.current_mode == "lag", "another section")
