"""The events screen: a form, a search that tells how far it is, stops, and waits when it found many."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from eventops.events import Event, Position, Record, read_event
from eventops.ports import Coverage, Gap
from eventops.records.model import Seen
from eventops.tui.events import EventsPage
from eventops.tui.messages import SearchEnded, SeenMore
from eventops.tui.query import Query
from eventops.tui.records import RecordPage
from eventops.tui.trace import TracePage
from eventops.tui.widgets.field import Field, Line
from tests.tui import reports
from tests.tui.stage import front, go, settle, shown, still, table, type_text, until
from tests.tui.test_tail import event

pytestmark = pytest.mark.asyncio


def seen(first: int, end: int, *, passed: int, gaps: tuple[Gap, ...] = ()) -> Seen:
    """A piece of a search through a thousand offsets."""
    complete = int(passed == 1000)
    coverage = Coverage(1, complete, passed, passed * 100, gaps=gaps)
    return Seen(passed, tuple(event(offset) for offset in range(first, end)), gaps, passed, 1000, coverage)


def write(page: EventsPage, **fields: str) -> None:
    """Into the form."""
    for field in page.query(Field):
        if field.name in fields:
            field.put(fields[field.name])


async def test_the_form_becomes_a_search_and_the_command_that_prints_the_same() -> None:
    app = still()
    async with app.run_test(size=(140, 30)) as pilot:
        await pilot.press("6")
        page = front(app, EventsPage)
        assert "w  writes a condition in CEL" in shown(pilot)
        await pilot.press("w")
        assert "Enter search" in shown(pilot)
        write(page, where="value.data.total > 100", topics="orders users-*", **{"from": "2h", "until": "1h"})
        await pilot.press("enter")
        assert page.is_searching
        assert page.query_ == Query("value.data.total > 100", "orders users-*", "2h", "1h")
        assert (
            "$ eventops --context prod events tail --topic orders --topic 'users-*' --where 'value.data.total > 100' "
            "--from 2h --until 1h -e"
        ) in shown(pilot)


async def test_keys_in_a_field_are_text_and_escape_leaves_it() -> None:
    app = still()
    async with app.run_test(size=(140, 30)) as pilot:
        await pilot.press("6", "w", "q", "1", "colon", "slash", "question_mark", "space", "t")
        page = front(app, EventsPage)
        assert next(iter(page.query(Field))).value == "q1:/? t"
        await pilot.press("escape", "1", "6", "6")
        assert front(app, EventsPage) is page
        await pilot.press("w", "tab", "x")
        assert [field.value for field in page.query(Field)] == ["q1:/? t", "x", "15m", ""]


@pytest.mark.parametrize(
    ("field", "text", "says"),
    [
        ("where", "value.", "--where isn't a condition in CEL"),
        ("from", "yesterday", "from: 'yesterday' is no time"),
        ("until", "2h", "until lies before from"),
    ],
)
async def test_what_makes_no_sense_is_not_searched(field: str, text: str, says: str) -> None:
    app = still()
    async with app.run_test(size=(140, 30)) as pilot:
        await pilot.press("6", "w")
        page = front(app, EventsPage)
        write(page, **{field: text})
        await pilot.press("enter")
        assert says in shown(pilot)
        assert not page.is_searching


async def test_what_is_found_streams_in_with_its_coverage_and_escape_stops() -> None:
    app = still()
    async with app.run_test(size=(140, 40)) as pilot:
        await pilot.press("6")
        page = front(app, EventsPage)
        page.search(Query("true", since="beginning"))
        page.post_message(SeenMore(page._number, seen(0, 3, passed=400)))
        await pilot.pause()
        text = shown(pilot)
        assert "searching   40 % of 1,000 offsets" in text
        assert "looked at 400 records" in text
        assert len(table(app, "records").rows) == 3
        assert '"total": 0' in text, "the record under the cursor"
        search = page._search
        await pilot.press("escape")
        assert search is not None
        assert search.is_over
        assert "stopped   40 %" in shown(pilot)
        assert len(table(app, "records").rows) == 3, "what was found stays"


async def test_its_end_and_its_gaps_are_said() -> None:
    app = still()
    async with app.run_test(size=(140, 40)) as pilot:
        await pilot.press("6")
        page = front(app, EventsPage)
        page.search(Query())
        gap = Gap("orders", 1, "no leader")
        page.post_message(SeenMore(page._number, seen(0, 0, passed=1000, gaps=(gap,)), is_over=True))
        await pilot.pause()
        text = shown(pilot)
        assert "done   100 %" in text
        assert "! not everything was read, 1 gap; orders/1: no leader" in text
        assert "none in what could be read: see above" in text
        page.post_message(SearchEnded(page._number, "nobody answers at kafka-1:9092"))
        await pilot.pause()
        assert "! nobody answers at kafka-1:9092" in shown(pilot)


async def test_an_earlier_search_is_late() -> None:
    app = still()
    async with app.run_test(size=(140, 40)) as pilot:
        await pilot.press("6")
        page = front(app, EventsPage)
        page.search(Query("true"))
        first = page._search
        page.search(Query("false"))
        assert first is not None
        assert first.is_over, "one search at a time"
        page.post_message(SeenMore(page._number - 1, seen(0, 3, passed=400)))
        page.post_message(SearchEnded(page._number - 1, "nobody answers"))
        await pilot.pause()
        assert table(app, "records").rows == ()
        assert "nobody answers" not in shown(pilot)


async def test_many_found_wait_to_be_wanted() -> None:
    app = still()
    async with app.run_test(size=(140, 40)) as pilot:
        await pilot.press("6")
        page = front(app, EventsPage)
        page.search(Query())
        page.post_message(SeenMore(page._number, seen(0, 3, passed=400), is_full=True))
        await pilot.pause()
        assert "3 found: n goes on" in shown(pilot)
        assert "n go on" in shown(pilot)
        assert page._search is not None
        assert not page._search.more.is_set()
        await pilot.press("n")
        assert page._search.more.is_set()


async def test_a_record_found_leads_on() -> None:
    app = still()
    async with app.run_test(size=(140, 40)) as pilot:
        await pilot.press("6")
        page = front(app, EventsPage)
        page.search(Query())
        page.post_message(SeenMore(page._number, seen(0, 3, passed=1000), is_over=True))
        await pilot.pause()
        await pilot.press("down", "enter")
        assert front(app, RecordPage).event.position.offset == 1
        await pilot.press("escape", "t")
        assert front(app, TracePage).identifier == "req-1"
        await pilot.press("escape")
        assert app.screen is page
        assert len(table(app, "records").rows) == 3


async def test_a_command_searches_at_once() -> None:
    app = still()
    async with app.run_test(size=(140, 40)) as pilot:
        await pilot.press("colon")
        app.screen.query_one("Prompt").value = 'where topic == "orders"'  # type: ignore[attr-defined]
        await pilot.press("enter")
        await pilot.pause()
        assert front(app, EventsPage).query_.where == 'topic == "orders"'
        assert front(app, EventsPage).is_searching
        assert front(app, EventsPage)._began == reports.NOW


async def test_a_search_that_waits_survives_a_look_at_a_record() -> None:
    app = still()
    async with app.run_test(size=(140, 40)) as pilot:
        await pilot.press("6")
        page = front(app, EventsPage)
        page.search(Query())
        page.post_message(SeenMore(page._number, seen(0, 3, passed=400), is_full=True))
        await pilot.pause()
        await pilot.press("enter")
        front(app, RecordPage)
        await pilot.press("escape")
        search = page._search
        assert search is not None
        assert not search.is_over
        assert "n go on" in shown(pilot)
        await pilot.press("n")
        assert search.more.is_set()


async def test_a_search_that_was_ended_offers_nothing_to_go_on_with() -> None:
    app = still()
    async with app.run_test(size=(140, 40)) as pilot:
        await pilot.press("6")
        page = front(app, EventsPage)
        page.search(Query())
        page.post_message(SeenMore(page._number, seen(0, 3, passed=400), is_full=True))
        await pilot.pause()
        await pilot.press("escape")
        page.post_message(SeenMore(page._number, seen(3, 6, passed=400), is_full=True))
        await pilot.pause()
        text = shown(pilot)
        assert "stopped   40 %" in text
        assert "go on" not in text
        assert "Esc stop" not in text


async def test_the_speed_is_that_of_reading_not_of_the_operator(monkeypatch: pytest.MonkeyPatch) -> None:
    app = still()
    now = [reports.NOW]
    monkeypatch.setattr(app.desk, "now", lambda: now[0])
    async with app.run_test(size=(140, 40)) as pilot:
        await pilot.press("6")
        page = front(app, EventsPage)
        page.search(Query())
        for passed, seconds in ((400, 2), (800, 3)):
            now[0] += timedelta(seconds=seconds)
            page.post_message(SeenMore(page._number, seen(0, 3, passed=passed), is_full=True))
            await pilot.pause()
            now[0] += timedelta(minutes=10)
            await pilot.press("n")
        assert "in 5.0 s, 160 a second" in shown(pilot)


async def test_a_condition_that_is_none_takes_the_place_of_what_was_found_before() -> None:
    app = still()
    async with app.run_test(size=(140, 40)) as pilot:
        await pilot.press("6")
        page = front(app, EventsPage)
        page.search(Query("true"))
        page.post_message(SeenMore(page._number, seen(0, 3, passed=400), is_full=True))
        await pilot.pause()
        await pilot.press("w")
        write(page, where="value.data.n >>> 0")
        await pilot.press("enter")
        text = shown(pilot)
        assert "--where isn't a condition in CEL" in text
        assert "--where 'value.data.n >>> 0'" in text, "the command is that of what is asked"
        assert "400" not in text
        assert "found" not in text
        assert table(app, "records").rows == ()


async def test_a_search_reads_nothing_while_a_record_is_looked_at_and_goes_on_when_back() -> None:
    app = still()
    async with app.run_test(size=(140, 40)) as pilot:
        await pilot.press("6")
        page = front(app, EventsPage)
        page.search(Query())
        page.post_message(SeenMore(page._number, seen(0, 3, passed=400)))
        await pilot.pause()
        search = page._search
        assert search is not None
        await pilot.press("question_mark")
        assert not search.is_held, "help leaves it in view"
        await pilot.press("escape", "enter")
        front(app, RecordPage)
        await until(pilot, lambda: search.is_held, "the search is held")
        assert "the search waits meanwhile; back here it goes on" in [one.message for one in app._notifications]
        await pilot.press("t")
        front(app, TracePage)
        await pilot.press("escape", "escape")
        assert app.screen is page
        await until(pilot, lambda: not search.is_held, "the search goes on")
        assert not search.is_over
        assert "searching   40 %" in shown(pilot)


async def test_the_time_that_a_search_is_held_is_not_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    app = still()
    now = [reports.NOW]
    monkeypatch.setattr(app.desk, "now", lambda: now[0])
    async with app.run_test(size=(140, 40)) as pilot:
        await pilot.press("6")
        page = front(app, EventsPage)
        page.search(Query())
        now[0] += timedelta(seconds=2)
        page.post_message(SeenMore(page._number, seen(0, 3, passed=400)))
        await pilot.pause()
        await pilot.press("enter")
        front(app, RecordPage)
        now[0] += timedelta(minutes=10)
        await pilot.press("escape")
        now[0] += timedelta(seconds=3)
        page.post_message(SeenMore(page._number, seen(3, 6, passed=800)))
        await pilot.pause()
        assert "in 5.0 s, 160 a second" in shown(pilot)


async def test_where_nothing_was_searched_nothing_is_told_of_an_answer() -> None:
    app = still()
    async with app.run_test(size=(140, 40)) as pilot:
        for key in ("6", "3"):
            await go(pilot, app, key)
            await settle(pilot)
            assert "no answer yet" not in shown(pilot)
        await app.carry_out("context")
        await settle(pilot)
        assert "no answer yet" not in shown(pilot)


async def test_nothing_found_is_said_of_what_was_read() -> None:
    app = still()
    async with app.run_test(size=(140, 40)) as pilot:
        await pilot.press("6")
        page = front(app, EventsPage)
        page.search(Query())
        page.post_message(SeenMore(page._number, seen(0, 0, passed=400)))
        await pilot.pause()
        assert "Nothing found so far." in shown(pilot)
        await pilot.press("escape")
        await pilot.pause()
        assert "Nothing found in what was read until it was stopped" in shown(pilot)
        page.search(Query())
        page.post_message(SearchEnded(page._number, "nobody answers at kafka-1:9092"))
        await pilot.pause()
        assert "none in what could be read: see above" in shown(pilot)
        assert "Nothing found" not in shown(pilot)


def long_event(offset: int, tail: str) -> Event:
    """A record whose value says something behind all that a row shows of it, and a header."""
    body = json.dumps({"eventType": "order.placed", "note": "x" * 900, "tail": tail}).encode()
    headers = (("ce_subject", f"cart-{offset}".encode()),)
    return read_event(Record(Position("orders", 0, offset), reports.NOW, b"user-7", body, headers))


@pytest.mark.parametrize(
    ("needle", "left", "told"),
    [
        ("VOUCHER-42", [42], "value: …"),
        ("cart-41", [41], "header: ce_s"),
        ("!voucher-4[12]", [40, 43], None),
        ("orders/0/43", [43], None),
        ("user-7", [40, 41, 42, 43], "key: user-7"),
    ],
)
@pytest.mark.parametrize("width", [160, 90])
async def test_a_filter_finds_what_the_row_does_not_show(
    needle: str, left: list[int], told: str | None, width: int
) -> None:
    app = still()
    async with app.run_test(size=(width, 40)) as pilot:
        await pilot.press("6")
        page = front(app, EventsPage)
        page._number, page._began, page._found = 1, reports.NOW, ()
        found = tuple(long_event(offset, f"voucher-{offset}") for offset in range(40, 44))
        page.post_message(SeenMore(1, Seen(4, found, (), 4, 4, Coverage(1, 1, 4)), is_over=True))
        await pilot.pause()
        assert "value: " not in shown(pilot)
        await pilot.press("slash")
        await type_text(pilot, needle)
        assert [row.position.offset for row in table(app, "records").rows] == left
        is_shown = needle == "user-7" and width >= 110
        if told is not None and not is_shown:
            assert told in shown(pilot), "where it was found"
        await pilot.press("escape")
        assert len(table(app, "records").rows) == 4
        assert "value: …" not in shown(pilot)


def wide_event(offset: int, tail: str) -> Event:
    """A record whose value says something behind tens of thousands of characters."""
    body = f'{{"total":{offset},"note":"{"é" * 40_000}","tail":"{tail}"}}'.encode()
    return read_event(Record(Position("orders", 0, offset), reports.NOW, b"user-7", body, ()))


@pytest.mark.parametrize(
    ("needle", "left", "told"),
    [
        ("tail.*voucher-41", [41], "value: …"),
        ('"total": 42', [42], None),  # as it stands on the record, which is laid out
        ('"tail": ?"voucher-4[23]', [42, 43], "value: …"),
        ("tail.*nothing", [], "nothing of 4 for “tail.*nothing”; Esc"),
        (
            "tail.*(?=voucher-41)",
            [],
            "nothing of 4 for “tail.*(?=voucher-41)” (values looked through to 2,000 characters)",
        ),
        ("!tail.*(?=voucher-41)", [40, 41, 42, 43], "values looked through to 2,000 characters"),
        ("tota(?=l).*", [40, 41, 42, 43], None),
        ("(voucher-4[12])+", [41, 42], "value: …"),  # Python could search for minutes
        ("t.*a.*i.*l.*voucher-41", [41], "value: …"),
        ("(vouche(?=r))+", [], "nothing of 4 for “(vouche(?=r))+” (taken as plain text: it could take minutes)"),
    ],
)
async def test_a_regex_looks_through_the_whole_value_or_says_how_far_it_looked(
    needle: str, left: list[int], told: str | None
) -> None:
    app = still()
    async with app.run_test(size=(160, 40)) as pilot:
        await pilot.press("6")
        page = front(app, EventsPage)
        page._number, page._began, page._found = 1, reports.NOW, ()
        found = tuple(wide_event(offset, f"voucher-{offset}") for offset in range(40, 44))
        page.post_message(SeenMore(1, Seen(4, found, (), 4, 4, Coverage(1, 1, 4)), is_over=True))
        await pilot.pause()
        page.narrow_to(needle)
        await until(pilot, lambda: [row.position.offset for row in table(app, "records").rows] == left, "the rows")
        await pilot.pause()
        is_cut = "(?=voucher" in needle
        assert ("looked through to 2,000 characters" in shown(pilot)) is is_cut
        assert told is None or told in shown(pilot)


async def test_keys_are_answered_while_megabytes_are_filtered() -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("6")
        page = front(app, EventsPage)
        page._number, page._began, page._found = 1, reports.NOW, ()
        found = tuple(long_event(offset, "y" * 100_000 + f"end-{offset}") for offset in range(200))
        page.post_message(SeenMore(1, Seen(200, found, (), 200, 200, Coverage(1, 1, 200)), is_over=True))
        await until(pilot, lambda: len(table(app, "records").rows) == 200, "the records")
        await pilot.press("slash")
        await type_text(pilot, "end-199")
        await until(pilot, lambda: len(table(app, "records").rows) == 1, "what was filtered for, by a worker")
        await pilot.press("slash")
        await type_text(pilot, "(y*)*a.*b.*c")
        await until(pilot, lambda: not table(app, "records").rows, "an expression that would take for ever")


async def test_a_mistaken_condition_is_there_to_be_mended() -> None:
    app = still()
    async with app.run_test(size=(120, 30)) as pilot:
        await app.carry_out("where value.data.n >>> 0")
        page = front(app, EventsPage)
        await until(pilot, lambda: "isn't a condition in CEL" in shown(pilot), "why not")
        assert isinstance(app.focused, Line), "what is typed is for it"
        assert app.focused.value == "value.data.n >>> 0"
        await pilot.press("end", "backspace", "1")
        assert next(iter(page.query(Field))).value == "value.data.n >>> 1"
