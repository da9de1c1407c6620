"""The live tail: it follows until the cursor is moved, keeps little, and says what it passes over."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot

from eventops.events import Event, Ids, Position, Record
from eventops.ports import Gap
from eventops.records.model import Glance
from eventops.tui.app import Dashboard
from eventops.tui.dlq import CausesPage
from eventops.tui.messages import Glanced, NotGlanced
from eventops.tui.records import RecordPage
from eventops.tui.ring import Ring, size
from eventops.tui.tail import TailPage
from eventops.tui.trace import TracePage
from eventops.tui.widgets.grid import Grid
from eventops.tui.widgets.prompt import Prompt
from tests.tui import reports
from tests.tui.stage import answer, current, front, settle, shown, still, table, type_text, until

HOSTILE = "\x1b[2J\x1b]52;c;cm0gLXJm\x07[bold red]\r\nforged-row\u202e"


def event(offset: int, value: bytes | None = None) -> Event:
    """A record of the orders."""
    body = json.dumps({"eventType": "order.placed", "data": {"total": offset}}).encode()
    at = Position("orders", 0, offset)
    record = Record(at, reports.ago(100 - offset / 100), b"user-7", body if value is None else value, ())
    return Event(record, Ids(f"e-{offset}", "order.placed", "order-service", f"req-{offset}"))


def glance(first: int, end: int, *, passed: int = 0, gaps: tuple[Gap, ...] = ()) -> Glanced:
    """What came."""
    events = tuple(event(offset) for offset in range(first, end))
    return Glanced(Glance(events, len(events) + passed, passed, gaps))


async def tail(pilot: Pilot[Any], app: Dashboard, *glances: Glanced) -> TailPage:
    """The tail of the orders, after those looks."""
    page = TailPage("orders")
    await app.open("topics", page)
    for one in glances:
        page.post_message(one)
        await pilot.pause()
    await pilot.pause()
    return page


def offsets(app: Dashboard) -> list[int]:
    """Of the rows."""
    return [row.position.offset for row in table(app, "records").rows]


@pytest.mark.asyncio
async def test_the_cursor_follows_what_comes_until_it_is_moved() -> None:
    app = still()
    async with app.run_test(size=(120, 30)) as pilot:
        page = await tail(pilot, app, glance(0, 5), glance(5, 8))
        assert current(app, "records").position.offset == 7, "the newest"
        await pilot.press("up")
        assert not page.is_following
        page.post_message(glance(8, 12))
        await pilot.pause()
        text = shown(pilot)
        assert offsets(app) == list(range(8)), "what is looked at doesn't move"
        assert "held; 4 since, f shows them" in text
        assert current(app, "records").position.offset == 6
        assert '"total": 6' in text, "the record under the cursor"
        await pilot.press("f")
        await pilot.pause()
        assert offsets(app) == list(range(12))
        assert current(app, "records").position.offset == 11
        await pilot.press("up", "end")
        assert page.is_following, "the newest row is followed again"


@pytest.mark.asyncio
async def test_a_key_is_not_lost_to_what_comes_before_it_is_dealt_with() -> None:
    """The cursor has moved, and the page doesn't know yet."""
    app = still()
    async with app.run_test(size=(120, 30)) as pilot:
        page = await tail(pilot, app, glance(0, 5), glance(5, 8))
        table(app, "records").query_one(Grid).cursor_row -= 1
        page.on_glanced(glance(8, 12))
        await pilot.pause()
        assert not page.is_following
        assert current(app, "records").position.offset == 6
        await pilot.press("f")
        page.on_glanced(glance(12, 15))
        await pilot.pause()
        assert current(app, "records").position.offset == 14, "it follows again"


@pytest.mark.asyncio
async def test_what_is_passed_over_is_counted_and_said() -> None:
    app = still()
    async with app.run_test(size=(140, 30)) as pilot:
        await tail(pilot, app, glance(0, 5, passed=900), glance(5, 9, passed=19_996))
        text = shown(pilot)
        assert "passed over 19,996 of 20,000, for it comes too fast" in text, "what was there before isn't counted"
        assert "comes 100,000 a second" in text


@pytest.mark.asyncio
async def test_what_came_while_nobody_looked_is_no_rate_of_now() -> None:
    app = still()
    async with app.run_test(size=(140, 30)) as pilot:
        page = await tail(pilot, app, glance(0, 5), glance(5, 9))
        assert "comes 20 a second" in shown(pilot)
        page._looked_at = reports.ago(120)
        page.post_message(glance(9, 1_000))
        await until(pilot, lambda: "comes ?" in shown(pilot), "that it isn't known")
        page.post_message(glance(1_000, 1_004))
        await until(pilot, lambda: "comes 20 a second" in shown(pilot), "of the two looks since")
        assert "▁ █" not in shown(pilot)
        assert "█ █" in shown(pilot), "a gap in the line"


@pytest.mark.asyncio
async def test_a_failed_look_says_why_and_keeps_what_was_seen() -> None:
    app = still()
    async with app.run_test(size=(120, 30)) as pilot:
        page = await tail(pilot, app, glance(0, 5))
        page._looked_at = reports.ago(7)
        page.post_message(NotGlanced("nobody answers at kafka-1:9092"))
        await pilot.pause()
        text = shown(pilot)
        assert "! not looked at for 7 s, retrying: nobody answers at kafka-1:9092" in text
        assert "comes ?" in text, "how much comes isn't known"
        assert offsets(app) == list(range(5))
        assert page.query_one("#body").has_class("-stale")
        page.post_message(glance(5, 6, gaps=(Gap("orders", 1, "no leader"),)))
        await pilot.pause()
        assert "! not everything is read: orders: no leader" in shown(pilot)
        assert not page.query_one("#body").has_class("-stale")


@pytest.mark.asyncio
async def test_a_record_is_opened_traced_and_its_letters_are_one_key_away() -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        page = await tail(pilot, app, glance(0, 5))
        await answer(pilot, app.questions.letters, reports.some_topics())
        await pilot.press("enter")
        assert front(app, RecordPage).event.position.offset == 4
        assert "eventops --context prod events show orders/0/4" in shown(pilot)
        await pilot.press("C")
        assert '"total": 4' in app.clipboard
        await pilot.press("escape")
        assert app.screen is page
        await pilot.press("t")
        assert front(app, TracePage).identifier == "req-4"
        await pilot.press("escape", "d")
        assert front(app, CausesPage).topic == "orders-dlt"


@pytest.mark.asyncio
async def test_a_condition_is_in_the_command_and_a_wrong_one_is_refused() -> None:
    app = still()
    async with app.run_test(size=(120, 30)) as pilot:
        page = await tail(pilot, app, glance(0, 5))
        await pilot.press("w")
        page.query_one("Prompt").value = "value.data."  # type: ignore[attr-defined]
        await pilot.press("enter")
        assert "isn't a condition in CEL" in shown(pilot)
        assert offsets(app) == list(range(5)), "what was seen stays"
        prompt = page.query_one(Prompt)
        assert (prompt.is_asking, prompt.value) == (True, "value.data."), "it is there to be mended"
        await pilot.press("end", *"total", "space", "greater_than_sign", "space", "2", "enter")
        assert page.words == ("events", "tail", "--topic", "orders", "--where", "value.data.total > 2")
        assert "where value.data.total > 2" in shown(pilot)
        assert offsets(app) == [], "what was kept under another condition goes"


@pytest.mark.asyncio
async def test_a_filter_holds_for_what_comes() -> None:
    app = still()
    async with app.run_test(size=(120, 30)) as pilot:
        page = await tail(pilot, app, glance(0, 20))
        await pilot.press("slash")
        await type_text(pilot, "req-1")
        assert offsets(app) == [1, *range(10, 20)]
        page.post_message(glance(100, 102))
        await pilot.pause()
        assert offsets(app)[-2:] == [100, 101]


@pytest.mark.asyncio
async def test_leaving_ends_the_looking_and_coming_back_goes_on() -> None:
    app = still()
    async with app.run_test(size=(120, 30)) as pilot:
        page = await tail(pilot, app, glance(0, 5))
        first = page._ended
        assert not first.is_set()
        await pilot.press("enter")
        assert first.is_set()
        await pilot.press("escape")
        assert not page._ended.is_set()
        await pilot.press("escape")
        assert page._ended.is_set()


@pytest.mark.asyncio
async def test_hostile_records_forge_no_row() -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        found = event(1, HOSTILE.encode())
        page = await tail(pilot, app, Glanced(Glance((found,), 1, 0)))
        assert r"\x1b[2J" in shown(pilot)
        await pilot.press("f", "enter")
        text = shown(pilot)
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert not [line for line in text.split("\n") if line.startswith(("forged-row", " forged-row"))]
        await pilot.press("C")
        assert "\x1b" not in app.clipboard
        assert page.ring.taken == 1


@given(st.lists(st.integers(0, 400), max_size=30), st.integers(1, 20), st.integers(1, 2000))
def test_a_ring_never_holds_more_than_it_may(sizes: list[int], records: int, most: int) -> None:
    ring = Ring(records, most)
    events = [event(number, b"x" * length) for number, length in enumerate(sizes)]
    for one in events:
        ring.take([one])
        held = ring.events
        assert len(held) <= records
        assert ring.bytes == sum(map(size, held))
        assert ring.bytes <= most or len(held) == 1, "one record is shown whatever its size"
        assert held[-1] is one
    assert list(ring.events) == events[len(events) - len(ring.events) :]
    assert ring.taken == len(events)


@pytest.mark.asyncio
async def test_no_rows_are_not_said_to_be_none_where_that_is_not_known() -> None:
    app = still()
    async with app.run_test(size=(140, 30)) as pilot:
        page = await tail(pilot, app)
        none = "Nothing stands in this topic yet"
        await pilot.press("f", "f")
        assert none not in shown(pilot), "it wasn't looked at"
        page.post_message(glance(0, 0))
        await pilot.pause()
        assert none in shown(pilot)
        await pilot.press("w")
        await type_text(pilot, "true")
        assert none not in shown(pilot), "nor under another condition"
        page.post_message(glance(0, 0))
        await pilot.pause()
        assert "None of the records that were looked at fulfils the condition" in shown(pilot)
        page.post_message(glance(0, 0, gaps=(Gap("orders", None, "no such topic or partition"),)))
        await pilot.pause()
        app.is_paused = False
        assert "not all of it is read" in page._facts().plain, "a topic that is gone isn't live"
        assert "none in what could be read: see above" in shown(pilot)


@pytest.mark.asyncio
async def test_a_character_at_the_end_of_what_a_row_shows_does_not_make_it_binary() -> None:
    app = still()
    async with app.run_test(size=(140, 30)) as pilot:
        page = await tail(pilot, app)
        texts = ("漢字" * 200, "x" + "漢字" * 200, "xx" + "漢字" * 200)
        events = (*(event(number, text.encode()) for number, text in enumerate(texts)), event(3, b"\xff" + b"a" * 700))
        page.post_message(Glanced(Glance(events, len(events), 0, ())))
        await settle(pilot)
        assert len(re.findall("x*漢字漢字", shown(pilot))) >= 3
        assert shown(pilot).count("0x") == 1


@pytest.mark.asyncio
async def test_what_is_more_than_terminals_take_is_not_said_to_be_copied() -> None:
    app = still()
    async with app.run_test(size=(140, 30)) as pilot:
        app.push_screen(RecordPage(event(0, b"x" * 1_000_000), "topics"))
        await pilot.pause()
        await pilot.press("C")
        assert app.clipboard == ""
        assert [one.message for one in app._notifications] == [
            "not copied: the payload has 1,000,000 bytes, more than terminals take; the command has all of it"
        ]


@pytest.mark.asyncio
async def test_an_id_that_is_more_than_terminals_take_is_not_said_to_be_copied() -> None:
    """Nor the command that it stands in."""
    app = still()
    async with app.run_test(size=(140, 30)) as pilot:
        one = event(0)
        huge = Event(one.record, Ids("e-0", "order.placed", None, "i" * 1_000_000))
        app.push_screen(RecordPage(huge, "topics"))
        await pilot.pause()
        await pilot.press("c")
        assert app.clipboard == ""
        app.push_screen(TracePage("i" * 1_000_000))
        await pilot.pause()
        await pilot.press("y")
        assert app.clipboard == ""
        told = [one.message for one in app._notifications]
        rest = "has 1,000,000 bytes, more than terminals take; the command has all of it"
        assert told[0] == f"not copied: {'i' * 59}… {rest}"
        assert re.fullmatch(
            r"not copied: eventops --context prod trace i+… has 1,000,\d+ bytes, more than .* take", told[1]
        )


@pytest.mark.asyncio
async def test_sorted_with_the_newest_on_top_the_cursor_follows_the_newest() -> None:
    app = still()
    async with app.run_test(size=(120, 30)) as pilot:
        page = await tail(pilot, app, glance(0, 50), glance(50, 60))
        await pilot.press("o", "O")
        await pilot.pause()
        assert offsets(app)[0] == 59
        assert current(app, "records").position.offset == 59
        page.post_message(glance(60, 65))
        await pilot.pause()
        assert page.is_following
        assert current(app, "records").position.offset == 64
        assert table(app, "records").query_one(Grid).scroll_offset.y == 0
        await pilot.press("down")
        assert "held" in shown(pilot)
        await pilot.press("up")
        assert "held" not in shown(pilot)
        await pilot.press("down", "down", "f")
        await pilot.pause()
        assert current(app, "records").position.offset == 64


@pytest.mark.asyncio
async def test_a_key_is_not_lost_where_nothing_that_was_shown_is_kept_any_more() -> None:
    """So much came before the page knows of the key that none of the rows is known any more."""
    app = still()
    async with app.run_test(size=(120, 30)) as pilot:
        page = await tail(pilot, app, glance(0, 5), glance(5, 8))
        table(app, "records").query_one(Grid).cursor_row -= 1
        page.on_glanced(glance(100, 1200))
        await until(pilot, lambda: len(offsets(app)) == 1000, "what is kept of them, put in order by a worker")
        await until(pilot, lambda: not page.is_following, "the key")


@pytest.mark.asyncio
async def test_what_is_held_before_anything_came_counts_from_what_came_first() -> None:
    app = still()
    async with app.run_test(size=(120, 30)) as pilot:
        page = await tail(pilot, app)
        await pilot.press("f")
        assert not page.is_following
        page.post_message(glance(0, 5))
        await pilot.pause()
        assert "held; 0 since" in shown(pilot)
        assert offsets(app) == list(range(5))
