"""The trace screen: a chain is walked through, followed, copied from; narrow terminals show one pane."""

from __future__ import annotations

from dataclasses import replace

import pytest

from eventops.events import Position
from eventops.trace.model import Found, TraceLink, TraceReport
from eventops.tui.app import Dashboard
from eventops.tui.letters import LetterPage
from eventops.tui.messages import Searched, WaitingFound
from eventops.tui.trace import TracePage
from eventops.tui.widgets.chain import Chain
from tests.tui import reports
from tests.tui.stage import front, settle, shown, still, until

pytestmark = pytest.mark.asyncio


async def opened(app: Dashboard, report: TraceReport) -> TracePage:
    """As if it had been searched."""
    await app.open("trace")
    page = front(app, TracePage)
    page.identifier = report.correlation_id
    page.post_message(Searched(report.correlation_id, reports.found(report)))
    return page


async def test_tree_timeline_and_payload_stand_side_by_side() -> None:
    app = still()
    async with app.run_test(size=(160, 40)) as pilot:
        page = await opened(app, reports.trace())
        await pilot.pause()
        lines = shown(pilot).splitlines()
        assert any("user.registered" in line and "●" in line for line in lines), "the tree beside the timeline"
        assert "users/0/7" in shown(pilot).partition("position")[2], "the marked event's record"
        await pilot.press("down")
        chain = page.query_one(Chain)
        assert chain.current is not None
        assert chain.current.event.ids.event_id == "e-2"
        assert "orders/1/3" in shown(pilot).partition("position")[2]
        await pilot.press("end", "down")
        assert chain.current.event.ids.event_id == "e-3"


async def test_a_narrow_terminal_shows_one_pane_after_the_other() -> None:
    app = still()
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(app, reports.trace())
        await pilot.pause()
        assert "dead-lettered" in shown(pilot)
        await pilot.press("v")
        await pilot.pause()
        assert "dead-lettered" not in shown(pilot)
        assert "hop" in shown(pilot)
        await pilot.press("v")
        await pilot.pause()
        assert "payload" in shown(pilot)
        await pilot.press("v")
        await pilot.pause()
        assert "dead-lettered" in shown(pilot)


async def test_lines_are_broken_inside_their_branch_of_the_tree() -> None:
    app = still()
    async with app.run_test(size=(140, 40)) as pilot:
        whole = reports.trace()
        told = replace(whole.events[0].deliveries[0], evidence="letter users-dlt/0/2: smtplib.SMTPRecipientsRefused")
        first = replace(whole.events[0], deliveries=(told,))
        await opened(app, replace(whole, events=(first, *whole.events[1:])))
        await pilot.pause()
        lines = shown(pilot).splitlines()
        [at] = [number for number, line in enumerate(lines) if "dead-lettered" in line]
        assert lines[at + 1].startswith(" │ ") or lines[at + 1].startswith("    │ "), lines[at : at + 2]


async def test_the_event_that_is_meant_is_marked_and_in_view() -> None:
    app = still()
    async with app.run_test(size=(120, 14)) as pilot:
        for position, event in [(Position("orders", 1, 9), "e-3"), (Position("users-dlt", 0, 2), "e-1")]:
            app.post_message(WaitingFound(app.seat, "req-1", position))
            await pilot.pause()
            page = front(app, TracePage)
            page.post_message(Searched("req-1", reports.found(reports.trace())))
            await pilot.pause()
            await pilot.pause()
            chain = page.query_one(Chain)
            assert chain.current is not None
            assert chain.current.event.ids.event_id == event
            assert f"  {event}  " in shown(pilot)


async def test_d_opens_the_marked_events_own_letter() -> None:
    app = still()
    async with app.run_test(size=(160, 40)) as pilot:
        await opened(app, reports.trace())
        await pilot.pause()
        await pilot.press("d")
        assert front(app, LetterPage).position == Position("users-dlt", 0, 2)


async def test_the_mark_stays_on_its_event_while_the_chain_grows() -> None:
    app = still()
    async with app.run_test(size=(160, 40)) as pilot:
        whole = reports.trace()
        page = await opened(app, replace(whole, events=whole.events[:2]))
        await pilot.pause()
        await pilot.press("down")
        page.is_following = True
        page.post_message(Searched("req-1", Found(10, 20, 0)))
        await pilot.pause()
        assert "● following" in shown(pilot), "what was known stays while more is read"
        page.post_message(Searched("req-1", reports.found(whole)))
        await pilot.pause()
        current = page.query_one(Chain).current
        assert current is not None
        assert current.event.ids.event_id == "e-2"
        assert "loyalty.pointsEarned" in shown(pilot)
        assert page.command.endswith("trace req-1 --follow")


async def test_the_trace_stores_page_is_one_key_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22")
    app = still()
    async with app.run_test(size=(160, 40)) as pilot:
        await opened(app, replace(reports.trace(), traces=(TraceLink("a" * 32, "http://jaeger:16686/trace/aa", 7),)))
        await pilot.pause()
        await pilot.press("J")
        assert app.clipboard == "http://jaeger:16686/trace/aa"
        await opened(app, reports.trace())
        await pilot.pause()
        await pilot.press("J")
        assert any("name a trace store" in note.message for note in app._notifications)


async def test_a_payload_is_copied_without_what_a_terminal_obeys() -> None:
    app = still()
    async with app.run_test(size=(160, 40)) as pilot:
        whole = reports.trace()
        hop = whole.events[0]
        hostile = replace(hop.event, record=replace(hop.event.record, value=b"one\n\x1b]52;c;cm0=\x07two"))
        await opened(app, replace(whole, events=(replace(hop, event=hostile), *whole.events[1:])))
        await pilot.pause()
        await pilot.press("C")
        assert "\x1b" not in app.clipboard
        assert "\x07" not in app.clipboard
        assert app.clipboard.startswith("one\n")


async def test_c_copies_the_request_of_the_chain_and_d_goes_through_its_letters_whatever_else_is_pressed() -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        page = await opened(app, reports.trace())
        await pilot.pause()
        await pilot.press("c", "c")
        assert app.clipboard == reports.trace().correlation_id
        assert page.target() == page.target(), "looking isn't going"


async def test_a_search_that_was_left_under_way_goes_on_when_back() -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        await app.trace("req-1")
        page = front(app, TracePage)
        await pilot.press("1")
        await until(pilot, page._ended.is_set, "nobody reads for a screen that was left")
        await pilot.press("3")
        await until(pilot, lambda: not page._ended.is_set(), "it reads on")


async def test_a_chain_is_read_once_unless_it_is_followed() -> None:
    app = still()
    app.is_paused = False
    async with app.run_test(size=(120, 40)) as pilot:
        page = await opened(app, reports.trace())
        await pilot.pause()
        assert "every" not in shown(pilot).splitlines()[0]
        page.is_following = True
        page.refresh_all()
        await pilot.pause()
        assert "every 1 s" in shown(pilot).splitlines()[0]


async def test_the_smallest_terminal_shows_some_of_the_tree() -> None:
    app = still()
    async with app.run_test(size=(20, 6)) as pilot:
        await opened(app, reports.trace())
        await settle(pilot)
        lines = [line.strip() for line in shown(pilot).splitlines()]
        assert lines[2:5] == ["req-1   3 events,", "└─", "user.registered"], lines
