"""Deeds about dead letters: what they are about, how they end, and which commands are copied of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from eventops.dlq.model import Selection
from eventops.dlq.replay_model import Action, Step
from eventops.events import Position
from eventops.tui import letter_text
from eventops.tui.confirming import Phase
from eventops.tui.dlq import CausesPage
from eventops.tui.leaves import PAGE
from eventops.tui.ledger import LedgerPage
from eventops.tui.letters import LetterPage
from eventops.tui.messages import BrokeOff, PlanMade, Stepped, Unplanned
from eventops.tui.replay import ReplayPage
from eventops.tui.replay_options import Manner, options, set_rate
from eventops.tui.replay_text import of_plan
from eventops.tui.widgets.prompt import Bottom
from tests.tui import reports
from tests.tui.stage import answer, front, shown, still, table, type_text, until
from tests.tui.test_letters import letters_page, planned

pytestmark = pytest.mark.asyncio


async def test_on_letters_what_is_shown_under_the_cursor_is_meant_and_never_the_whole_cause() -> None:
    app = still()
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        page = await letters_page(pilot, app, *(reports.letter(offset) for offset in range(10)), of=17)
        await pilot.pause()
        assert "R replay letter   D discard" in shown(pilot)
        await pilot.press("down", "R")
        chosen = front(app, ReplayPage)._selection
        assert chosen == Selection("users-dlt", positions=(Position("users-dlt", 0, 1),))
        await pilot.press("escape", "slash")
        await type_text(pilot, "no letter has this")
        await until(pilot, lambda: "0 of 10" in shown(pilot), "the filter")
        for key in ("R", "D", "U"):
            await pilot.press(key)
            assert app.screen is page
            assert "nothing is chosen here" in shown(pilot)
            assert not page.query_one(Bottom).is_asking, "no reason for nothing"
            await pilot.press("escape")


async def test_all_rows_that_are_shown_are_marked_and_unmarked() -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        page = await letters_page(pilot, app, *(reports.letter(offset) for offset in range(10)), of=10)
        await pilot.press("slash")
        await type_text(pilot, "req-000[1-3]")
        await pilot.press("a")
        assert "R replay 3 letters   D discard them" in shown(pilot)
        await pilot.press("a")
        assert "marked" not in shown(pilot)
        await pilot.press("a", "slash")
        await type_text(pilot, "req-0001")
        for key in ("R", "D", "U"):
            await pilot.press(key)
            assert app.screen is page
            assert "2 marked letters can't be seen for the filter: Esc shows all" in shown(pilot)
            await pilot.press("escape")
        await pilot.press("escape")
        assert "3 marked" in shown(pilot), "Escape shows all rows again first"
        await pilot.press("D")
        await type_text(pilot, "test data")
        assert [at.offset for at in front(app, ReplayPage)._selection.positions] == [1, 2, 3]
        await pilot.press("escape", "escape")
        assert app.screen is page
        assert "marked" not in shown(pilot)


async def test_marks_end_with_their_deed_and_not_with_a_plan_that_was_left() -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        await letters_page(pilot, app, reports.letter(1), reports.letter(2), of=2)
        await pilot.press("space", "R", "escape")
        assert "1 marked" in shown(pilot), "nothing was done"
        await pilot.press("R")
        page = front(app, ReplayPage)
        page.post_message(Stepped(Step(1, 1, report=reports.outcome(reports.plan(1)))))
        await until(pilot, lambda: page.phase is Phase.DONE, "the end")
        await pilot.press("escape")
        assert "marked" not in shown(pilot)
        assert "R replay letter" in shown(pilot)


async def test_a_reason_is_for_what_was_chosen_when_it_was_asked_for() -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        page = await letters_page(pilot, app, reports.letter(1), reports.letter(2), of=2)
        await pilot.press("D")
        await answer(pilot, page.watches[0], (reports.letter(2),))
        await type_text(pilot, "test data")
        assert front(app, ReplayPage)._selection.positions == (Position("users-dlt", 0, 1),)


async def test_a_filter_of_letters_says_that_it_sees_one_page() -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        await letters_page(pilot, app, *(reports.letter(offset) for offset in range(PAGE)), of=PAGE + 3)
        await pilot.press("slash", *"req")
        await until(
            pilot, lambda: f"in this page alone: 1 to {PAGE} of {PAGE + 3}" in shown(pilot), "which rows it sees"
        )
        await pilot.press("escape")
        await until(pilot, lambda: f"  1 to {PAGE} of {PAGE + 3}" in shown(pilot), "all rows")
        assert "alone" not in shown(pilot)


async def test_escape_shows_all_rows_before_it_takes_marks_away() -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        await letters_page(pilot, app, *(reports.letter(offset) for offset in range(10)), of=10)
        await pilot.press("space", "slash")
        await type_text(pilot, "req-000")
        await pilot.press("escape")
        assert "for “" not in shown(pilot)
        assert "1 marked" in shown(pilot)


async def test_no_copied_command_of_a_deed_would_write_again() -> None:
    app = still()
    async with app.run_test(size=(140, 40)) as pilot:
        page = await planned(pilot, app)
        plans = "eventops --context prod dlq replay users-dlt --all"
        history = "eventops --context prod dlq history users-dlt --run run-1"
        for phase, message, command in (
            (Phase.PLANNED, None, plans),
            (Phase.RUNNING, Stepped(Step(1, 3)), history),
            (Phase.FAILED, BrokeOff("no leader"), plans),
            (Phase.DONE, Stepped(Step(1, 3, report=reports.outcome(reports.plan(3), interrupted=True))), history),
        ):
            page.phase = phase
            if message is not None:
                page.post_message(message)
            await pilot.pause()
            await pilot.press("y")
            assert app.clipboard == command, phase
        unplanned = ReplayPage(Selection("users-dlt", causes=("c1",)), action=Action.DISCARD, reason="test data")
        await app.push_screen(unplanned)
        assert unplanned.words == ("dlq", "discard", "users-dlt", "--cause", "c1", "--reason", "test data")


async def test_who_leaves_a_replay_as_it_ends_is_told_what_was_done() -> None:
    app = still()
    async with app.run_test(size=(120, 30), notifications=True) as pilot:
        page = await planned(pilot, app)
        page.phase, page._began = Phase.RUNNING, reports.ago(2)
        page.post_message(Stepped(Step(3, 3, report=reports.outcome(reports.plan(3)))))
        await until(pilot, lambda: page.phase is Phase.DONE, "the end")
        await pilot.press("escape")
        assert app.screen is not page
        assert [note.message for note in app._notifications] == ["Replay of users-dlt: 3 letters replayed"]


async def test_who_read_what_was_done_is_not_told_again() -> None:
    app = still()
    async with app.run_test(size=(120, 30), notifications=True) as pilot:
        page = await planned(pilot, app)
        page.post_message(Stepped(Step(3, 3, report=reports.outcome(reports.plan(3)))))
        await until(pilot, lambda: page.phase is Phase.DONE, "the end")
        page._ended = reports.ago(5)
        await pilot.press("escape")
        assert not list(app._notifications)


async def test_a_replay_that_another_operator_holds_up_can_be_taken_over() -> None:
    app = still()
    async with app.run_test(size=(140, 40)) as pilot:
        page = await planned(pilot, app)
        page.phase = Phase.RUNNING
        page.post_message(BrokeOff("ada has been replaying users-dlt: end it and go on from there with --take-over"))
        await until(pilot, lambda: "r plan anew   Enter change" in shown(pilot), "what can be done")
        names = [row.name for row in table(app, "how").rows]
        await pilot.press(*["down"] * names.index("take-over"), "enter")
        assert page.manner.pace.take_over
        assert page.phase is Phase.PLANNING, "the ledger may know more by now"
        anew = reports.plan(3)
        page.post_message(PlanMade(anew, of_plan(anew), page.manner))
        await until(pilot, lambda: "x execute" in shown(pilot), "a plan")
        assert "dlq replay users-dlt --all --take-over" in shown(pilot)


async def test_the_plan_stands_over_what_speaks_against_it() -> None:
    app = still()
    async with app.run_test(size=(120, 30)) as pilot:
        await app.open("dlq", ReplayPage(Selection("users-dlt"), reports.plan(3, warnings=["one", "two"])))
        await pilot.pause()
        text = shown(pilot)
        assert "nothing was written yet   ▲ 2 warnings" in text
        assert text.index("3  letters to users") < text.index("guarantee: ") < text.index("▲ one") < text.index("▲ two")


@pytest.mark.parametrize(("typed", "key"), [("discard", "D"), ("replay", "R"), ("restore", "U")])
async def test_the_palette_finds_each_deed_by_its_name(typed: str, key: str) -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        await letters_page(pilot, app, reports.letter(1), of=1)
        await pilot.press("ctrl+p")
        await until(pilot, lambda: ":trace" in shown(pilot), "commands")
        await pilot.press(*typed)
        await until(pilot, lambda: f"key {key}" in shown(pilot) and ":trace" not in shown(pilot), "the deed")
        assert shown(pilot).partition("key ")[2][0] == key, "before what has the letters of it only"


async def test_what_a_ramp_cannot_see_speaks_against_it_as_long_as_it_is_on() -> None:
    app = still()
    made = reports.plan(3)
    alone = replace(made.planned[0], letter=reports.letter(0, group=None))
    page = ReplayPage(Selection("users-dlt"), replace(made, planned=(alone, *made.planned[1:])))
    async with app.run_test(size=(140, 40)) as pilot:
        await app.open("dlq", page)
        await pilot.pause()
        assert "tell which group" not in shown(pilot)
        await pilot.press("m")
        await until(pilot, lambda: "▲ 1 letter doesn't tell which group had failed" in shown(pilot), "the warning")
        assert "nothing was written yet   ▲ 1 warning" in shown(pilot)
        await pilot.press("m")
        await until(pilot, lambda: "▲" not in shown(pilot), "no warning")


async def test_what_is_stopped_promises_no_transaction_and_no_key_that_does_nothing() -> None:
    app = still()
    async with app.run_test(size=(140, 40)) as pilot:
        page = await planned(pilot, app)
        page.phase = Phase.RUNNING
        app.begin_writing(page)
        waits = "waiting until 1 letter of this stage of 1 is read"
        page.post_message(Stepped(Step(1, 3, told=waits)))
        await until(pilot, lambda: waits in shown(pilot) and "c cancel" in shown(pilot), "a stage")
        await pilot.press("c")
        await until(pilot, lambda: "stopping …" in shown(pilot), "the end")
        assert "in hand" not in shown(pilot)
        assert waits not in shown(pilot), "it waits for that no longer"
        assert "c cancel" not in shown(pilot)


async def test_who_executes_before_there_is_a_plan_is_told_so() -> None:
    app = still()
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        page = await planned(pilot, app)
        page.phase = Phase.PLANNING
        await pilot.press("x")
        assert "not yet: the plan is still being made" in shown(pilot)
        assert not page.query_one(Bottom).is_asking


async def test_a_plan_is_not_said_to_be_asked_again_and_what_was_done_is_as_old_as_its_end() -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        page = await planned(pilot, app)
        assert " old  " in shown(pilot)
        assert "  every " not in shown(pilot)
        page.post_message(Stepped(Step(3, 3, report=reports.outcome(reports.plan(3)))))
        await until(pilot, lambda: page.phase is Phase.DONE, "the end")
        page._ended = reports.ago(5)
        assert page.answered_at == reports.ago(5)


async def test_the_copied_command_of_a_plan_means_hostile_names_byte_by_byte() -> None:
    app = still()
    group = "bad\x1b[2J\x9b31m\u202e'"
    made = replace(reports.plan(3), selection=Selection("users-dlt", causes=("c1",), groups=(group,)))
    async with app.run_test(size=(140, 40)) as pilot:
        await app.open("dlq", ReplayPage(made.selection, made))
        await pilot.pause()
        await pilot.press("y")
        assert app.clipboard == (
            "eventops --context prod dlq replay users-dlt --cause c1"
            r" --group $'bad\x1b[2J\xc2\x9b'$'31m\xe2\x80\xae\''"
        )


async def test_as_many_letters_a_transaction_as_the_command_takes() -> None:
    chunk = next(one for one in options(Action.REPLAY, Manner()) if one.name == "chunk")
    assert chunk.change is not None
    assert chunk.change(Manner(), "50000").pace.chunk == 50_000
    with pytest.raises(ValueError, match="50,000"):
        chunk.change(Manner(), "50001")


async def test_a_peak_is_told_in_full() -> None:
    peaks = ((20_000.0, "at most 20,000 a minute"), (0.25, "at most 0.25 a minute"))
    for peak, told in peaks:
        assert told in letter_text.cause(replace(reports.some_letters().causes[0], peak_per_minute=peak)).plain


async def test_a_replay_of_which_nothing_is_heard_tells_no_pace() -> None:
    app = still()
    async with app.run_test(size=(140, 40)) as pilot:
        page = await planned(pilot, app)
        page.phase = Phase.RUNNING
        page._rate.add(1, reports.ago(2))
        page.post_message(Stepped(Step(2, 3)))
        await until(pilot, lambda: "0.5 a second   2.0 s left" in shown(pilot), "its pace")
        page._stepped_at = reports.ago(12)
        page.refresh_all()
        await until(pilot, lambda: "2 of 3 letters   nothing was committed for 12 s" in shown(pilot), "silence")
        assert "left" not in shown(pilot)
        page.manner = set_rate(page.manner, "0.1")
        page.refresh_all()
        await until(pilot, lambda: "committed" not in shown(pilot), "a letter in ten seconds takes as long")


async def test_a_letter_of_a_plan_shows_what_would_be_appended_and_how_it_differs() -> None:
    app = still()
    made = reports.plan(2)
    first, second = made.planned
    body = b'{"eventId": "e-0", "eventType": "user.registered", "metadata": {"correlationId": "req-\x1b[2J"}}'
    outgoing = first.record._replace(value=body, headers=(("app", b"1"),))
    changed = first.told._replace(change="transformed")
    mended = replace(first, record=outgoing, told=changed, compared=first.letter.event.record)
    async with app.run_test(size=(140, 40)) as pilot:
        await app.open("dlq", ReplayPage(made.selection, replace(made, planned=(mended, second))))
        await until(pilot, lambda: table(app, "targets").current is not None, "the letters")
        await pilot.press("tab", "enter")
        await until(pilot, lambda: "how it differs" in shown(pilot), "the letter")
        text = shown(pilot)
        for told in ("+++ changed", "becomes in  users/0", "changed  transformed", "payload, as it would be appended"):
            assert told in text
        assert r"req-\x1b[2J" in text
        assert "$ eventops --context prod dlq replay users-dlt --all" in text, (
            "the plan's command, which writes nothing"
        )
        await pilot.press("escape")
        assert front(app, ReplayPage).phase is Phase.PLANNED
        await pilot.press("down", "enter")
        await until(pilot, lambda: "not at all" in shown(pilot), "one that is put back as it was")


async def test_the_history_of_a_topic_needs_no_cause_under_the_cursor() -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        await app.open("dlq", CausesPage("users-dlt"))
        await pilot.press("h")
        assert front(app, LedgerPage).topic == "users-dlt", "nor a list that is read already"


async def test_a_plan_with_nothing_to_do_can_be_changed() -> None:
    app = still()
    made = replace(reports.plan(2), planned=())
    async with app.run_test(size=(140, 40)) as pilot:
        await app.open("dlq", ReplayPage(made.selection, made))
        await until(pilot, lambda: "r plan anew   Enter change" in shown(pilot), "what can be done")


async def test_all_that_speaks_against_a_plan_can_be_read_on_the_smallest_terminals() -> None:
    app = still()
    made = reports.plan(3, warnings=["first of them", "the last of them"])
    async with app.run_test(size=(40, 12)) as pilot:
        await app.open("dlq", ReplayPage(made.selection, made))
        await pilot.pause()
        assert "the last of them" not in shown(pilot)
        await pilot.press("end")
        await until(pilot, lambda: "the last of them" in shown(pilot), "the end of the plan")


async def test_a_letter_is_opened_by_its_place() -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("colon")
        await type_text(pilot, "dlq users-dlt/0/7")
        assert front(app, LetterPage).position == Position("users-dlt", 0, 7)
        await pilot.press("colon")
        await type_text(pilot, "dlq users-dlt")
        assert front(app, CausesPage).topic == "users-dlt"


async def test_a_plan_that_failed_is_made_anew_by_the_key_that_asks_again() -> None:
    app = still()
    async with app.run_test(size=(140, 40)) as pilot:
        page = await planned(pilot, app)
        page.post_message(Unplanned("nobody answers"))
        await until(pilot, lambda: "r plan anew" in shown(pilot), "what can be done")
        await pilot.press("r")
        assert (page.phase, page.trouble()) == (Phase.PLANNING, None)
        page.phase = Phase.RUNNING
        await pilot.press("r")
        assert page.phase is Phase.RUNNING, "what writes goes on"
