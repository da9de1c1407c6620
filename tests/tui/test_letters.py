"""Dead letters on the screen: causes told apart, pages, marks, one letter in full, plans with their options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import pytest
from textual.pilot import Pilot

from eventops.dlq.failure import Hop
from eventops.dlq.model import CauseGroup, Letter, LettersReport, Selection, State
from eventops.dlq.pace import Pace, Ramp
from eventops.dlq.replay_model import Action, Step, Wishes
from eventops.events import Position
from eventops.ports import Gap
from eventops.tui.app import Dashboard
from eventops.tui.confirming import Phase
from eventops.tui.dlq import CausesPage, of_causes
from eventops.tui.leaves import PAGE
from eventops.tui.ledger import LedgerPage
from eventops.tui.letters import LetterPage, LettersPage
from eventops.tui.messages import PlanMade, Stepped
from eventops.tui.planned import PlannedPage
from eventops.tui.replay import ReplayPage
from eventops.tui.replay_options import Manner, Option, options, set_reason, turn_ramp
from eventops.tui.replay_text import of_plan
from eventops.tui.trace import TracePage
from eventops.tui.widgets.prompt import Bottom, Prompt
from tests.tui import reports
from tests.tui.stage import answer, current, front, shown, still, table, type_text, until

pytestmark = pytest.mark.asyncio


async def causes_page(pilot: Pilot[Any], app: Dashboard, report: LettersReport) -> CausesPage:
    """The causes of a topic."""
    page = CausesPage("users-dlt")
    await app.open("dlq", page)
    await answer(pilot, page.watches[0], report)
    return page


async def letters_page(pilot: Pilot[Any], app: Dashboard, *found: Letter, of: int) -> LettersPage:
    """A page of the letters of one cause, of which there are ``of``."""
    page = LettersPage(replace(reports.letters(*found).causes[0], counts={State.OPEN: of}))
    await app.open("dlq", page)
    await answer(pilot, page.watches[0], found)
    return page


async def test_causes_of_one_class_are_told_apart_and_the_one_under_the_cursor_in_full() -> None:
    app = still()
    async with app.run_test(size=(140, 40)) as pilot:
        found = reports.letters(
            reports.no_stock(0, "Cart.reserve"), reports.no_stock(1, "Cart.reserve"), reports.no_stock(2, "Cart.refund")
        )
        await causes_page(pilot, app, found)
        text = shown(pilot)
        assert [row.cause_key for row in table(app, "causes").rows] == [
            "com.acme.NoStockException",
            "com.acme.NoStockException",
        ]
        assert "Cart.reserve" in text
        assert "Cart.refund" in text
        assert f"com.acme.NoStockException   {found.causes[0].cause_id}" in text
        await pilot.press("down")
        text = shown(pilot)
        assert f"com.acme.NoStockException   {found.causes[1].cause_id}" in text
        assert "com.acme.orders.Cart.refund" in text
        assert "poison pill   1 key, the same failure" in text, "the verdict's reason"
        await pilot.press("R")
        assert front(app, ReplayPage)._selection.causes == (found.causes[1].cause_id,)


async def test_open_letters_that_failed_again_are_said_where_open_ones_are_counted() -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        await causes_page(pilot, app, reports.some_letters())
        assert "Causes  3  1 of the open letters failed again" in shown(pilot)
        await pilot.press("4")
        await answer(pilot, app.questions.letters, reports.listed(reports.topic_counts("users-dlt", failed_again=2)))
        assert "Dead-letter topics  1  2 of the open letters failed again" in shown(pilot)
        await answer(pilot, app.questions.letters, reports.listed(reports.topic_counts("users-dlt", open=2)))
        assert "again" not in shown(pilot).replace("failed again  replayed", "")
        await pilot.press("question_mark", "end")
        await until(pilot, lambda: "those that failed again among them" in shown(pilot), "what open means")


async def test_what_could_not_be_read_is_said() -> None:
    app = still()
    async with app.run_test(size=(120, 30)) as pilot:
        report = reports.some_letters()
        gap = replace(report.coverage, gaps=(Gap("users-dlt", 1, "no leader"),))
        await causes_page(pilot, app, replace(report, coverage=gap))
        assert "! not everything could be read, 1 gap; users-dlt: no leader" in shown(pilot)


async def test_several_causes_are_marked_and_put_back_together() -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        report = reports.some_letters()
        await causes_page(pilot, app, report)
        await pilot.press("space", "space")
        assert "R replay 2 causes" in shown(pilot)
        await pilot.press("R")
        chosen = front(app, ReplayPage)._selection
        assert chosen.causes == tuple(one.cause_id for one in report.causes[:2])
        assert chosen.groups == ("mail-group",)
        await pilot.press("escape", "slash", "s", "enter")
        await pilot.press("escape")
        assert "2 marked" in shown(pilot), "Escape shows all rows again first"
        await pilot.press("escape")
        assert "R replay cause   D discard   h" in shown(pilot), "then it takes marks away"
        front(app, CausesPage)


@pytest.mark.parametrize("key", ["R", "D", "U"])
async def test_marked_causes_that_cannot_be_seen_are_not_the_one_under_the_cursor(key: str) -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        report = reports.some_letters()
        page = await causes_page(pilot, app, report)
        await pilot.press("space", "space", "slash")
        await type_text(pilot, f"!{report.causes[0].cause_key.rpartition('.')[2]}")
        await until(pilot, lambda: len(table(app, "causes").rows) == len(report.causes) - 1, "the filter")
        assert "2 causes" in shown(pilot), "what is marked, and not what is shown of it"
        await pilot.press(key)
        assert "1 marked cause can't be seen for the filter: Esc shows all" in shown(pilot)
        await type_text(pilot, "test data")
        assert app.screen is page
        await pilot.press("escape")
        await answer(pilot, page.watches[0], replace(report, causes=report.causes[1:]))
        await pilot.press(key)
        assert "1 marked cause can't be seen any more: Esc takes the marks away" in shown(pilot)
        await pilot.press("escape", "escape")
        assert "marked" not in shown(pilot)


def _of(name: str, group: str | None) -> CauseGroup:
    [found] = reports.letters(reports.letter(1, cause=name, message=name, group=group)).causes
    return found


@pytest.mark.parametrize(
    ("marked", "known", "is_sayable", "why"),
    [
        ([("a", "g")], [("a", "g"), ("a", "h"), ("b", "g")], True, "one cause of one group"),
        ([("a", "g"), ("b", "h")], [("a", "g"), ("b", "h")], True, "the others of the product aren't there"),
        ([("a", "g"), ("b", "h")], [("a", "g"), ("b", "h"), ("a", "h")], False, "a of h would be meant as well"),
        ([("a", None)], [("a", None), ("a", "g")], False, "no group can't be said: all groups would be meant"),
        ([("a", None), ("a", "g")], [("a", None), ("a", "g")], True, "whatever the group"),
    ],
)
async def test_a_selection_of_several_causes_means_no_others(
    marked: list[tuple[str, str | None]], known: list[tuple[str, str | None]], is_sayable: bool, why: str
) -> None:
    found = of_causes([_of(*one) for one in marked], [_of(*one) for one in known])
    assert (found is not None) is is_sayable, why


async def test_letters_come_a_page_at_a_time_and_marks_outlast_the_page() -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        first = tuple(reports.letter(offset) for offset in range(PAGE))
        page = await letters_page(pilot, app, *first, of=PAGE + 3)
        await pilot.pause()
        assert f"1 to {PAGE} of {PAGE + 3}" in shown(pilot)
        assert "n next page" in shown(pilot)
        assert "b page before" not in shown(pilot)
        await pilot.press("space")
        before = page.watches[0]
        await pilot.press("n")
        assert page.watches[0] is not before
        await answer(pilot, page.watches[0], tuple(reports.letter(PAGE + number) for number in range(3)))
        text = shown(pilot)
        assert f"{PAGE + 1} to {PAGE + 3} of {PAGE + 3}" in text
        assert "n next page" not in text
        await pilot.press("space")
        assert "R replay 2 letters" in shown(pilot)
        await pilot.press("R")
        marked = (Position("users-dlt", 0, 0), Position("users-dlt", 0, PAGE))
        assert front(app, ReplayPage)._selection.positions == marked
        await pilot.press("escape", "b")
        assert page.watches[0] is before


async def test_a_page_before_the_first_and_after_the_last_is_not_asked_for() -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        page = await letters_page(pilot, app, reports.letter(1), of=1)
        watch = page.watches[0]
        await pilot.press("n", "b")
        assert page.watches[0] is watch


async def test_leaving_a_screen_ends_its_reading() -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        page = await causes_page(pilot, app, reports.some_letters())
        watch = page.watches[0]
        watch.put(reports.NOW)
        await pilot.press("escape")
        assert not watch.is_out
        assert watch.attention._is_gone
        watch.put(reports.NOW)
        assert not watch.attention._is_gone, "asked anew, somebody waits again"


async def test_a_long_reading_tells_how_far_it_is() -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        page = CausesPage("users-dlt")
        await app.open("dlq", page)
        app.is_paused = False
        watch = page.watches[0]
        watch.put(reports.ago(40))
        watch.attention.total, watch.attention.read = 1_000_000, 340_000
        app.repaint()
        await pilot.pause()
        text = shown(pilot)
        assert "reading … 34 % of 1,000,000 offsets read" in text
        assert "no answer for" not in text, "it goes on"


async def test_one_letter_tells_its_hops_its_ledger_and_folds_its_stack() -> None:
    app = still()
    async with app.run_test(size=(140, 60)) as pilot:
        path = (
            Hop("users", Position("users", 0, 7), None, "mail-group", 3, "com.acme.Timeout", "too slow"),
            Hop("users-retry", Position("users-retry", 1, 2), None, "mail-group", 2, "com.acme.NoStock", "none left"),
        )
        found = replace(
            reports.no_stock(2, "Cart.reserve"),
            path=path,
            hops=2,
            state=State.DISCARDED,
            state_reason="test data (ada)",
        )
        page = LetterPage(found.position)
        await app.open("dlq", page)
        await answer(pilot, page.watches[0], found)
        assert "asking the cluster" in shown(pilot), "the ledger"
        await answer(pilot, page.watches[1], reports.ledger())
        text = shown(pilot)
        for needed in (
            "2 hops, the oldest first", "users-retry/1/2", "com.acme.Timeout: too slow", "discarded   test data (ada)",
            "replayed  to users/0/902", "failed again  letter users-dlt/0/9", "2 frames of org.springframework, java",
        ):  # fmt: skip
            assert needed in text
        assert "Container.java:2890" not in text
        await pilot.press("f")
        assert "Container.java:2890" in shown(pilot)
        assert "eventops --context prod dlq show users-dlt/0/2 --full" in shown(pilot)
        await pilot.press("C")
        assert '"eventId": "e-2"' in app.clipboard


async def test_a_letter_of_the_list_is_known_at_once_and_leads_to_its_trace() -> None:
    app = still()
    async with app.run_test(size=(140, 40)) as pilot:
        await letters_page(pilot, app, reports.letter(1), of=1)
        await pilot.pause()
        await pilot.press("enter")
        page = front(app, LetterPage)
        await pilot.pause()
        assert "req-0001" in shown(pilot), "nobody answered yet"
        assert page.answered_at == reports.NOW
        await pilot.press("t")
        assert front(app, TracePage).identifier == "req-0001"


async def test_a_letter_that_is_not_read_yet_says_so() -> None:
    app = still()
    async with app.run_test(size=(140, 40), notifications=True) as pilot:
        await app.open("dlq", LetterPage(Position("users-dlt", 0, 2)))
        await pilot.press("t")
        assert [note.message for note in app._notifications] == ["paused: r asks the cluster"]
        front(app, LetterPage)


async def test_a_letter_is_traced_and_its_history_is_one_key_away() -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        page = await letters_page(pilot, app, reports.letter(1), of=1)
        await pilot.press("h")
        ledger = front(app, LedgerPage)
        await answer(pilot, ledger.watches[0], reports.ledger())
        text = shown(pilot)
        assert "What was done  4  1 passed · 1 pending · 1 failed again" in text
        assert "ada@desk" in text
        assert "✗ failed again" in text
        await pilot.press("enter")
        assert front(app, LetterPage).position == Position("users-dlt", 0, 2)
        await pilot.press("escape", "escape")
        assert app.screen is page


async def test_a_discard_wants_a_reason_and_shows_its_plan_first() -> None:
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        await letters_page(pilot, app, reports.letter(1), of=1)
        await pilot.press("D")
        await type_text(pilot, "")
        front(app, LettersPage)
        assert "a reason is needed: why are they written off?" in shown(pilot)
        await type_text(pilot, "test data")
        page = front(app, ReplayPage)
        assert (page.action, page.manner.reason) == (Action.DISCARD, "test data")
        assert page.phase is not Phase.RUNNING
        assert [row.name for row in table(app, "how").rows] == ["reason", "take-over"]
        await pilot.press("escape", "U")
        await type_text(pilot, "")
        assert front(app, ReplayPage).action is Action.RESTORE


async def planned(pilot: Pilot[Any], app: Dashboard, *, count: int = 3) -> ReplayPage:
    """A plan in front."""
    page = ReplayPage(Selection("users-dlt"), reports.plan(count))
    await app.open("dlq", page)
    await pilot.pause()
    return page


async def test_pace_and_reason_change_the_command_and_not_the_plan() -> None:
    app = still()
    async with app.run_test(size=(140, 40)) as pilot:
        page = await planned(pilot, app)
        plan = page._plan
        await pilot.press("m", "s")
        await type_text(pilot, "50")
        await pilot.press("e")
        await type_text(pilot, "mended")
        command = "eventops --context prod dlq replay users-dlt --all --rate 50 --ramp --reason mended"
        assert f"$ {command}" in shown(pilot)
        assert page.phase is Phase.PLANNED
        assert page._plan is not None
        assert plan is not None
        assert page._plan.planned is plan.planned, "nothing was read anew"
        await pilot.press("m", "s")
        await type_text(pilot, "none")
        assert "'none' is no number" in shown(pilot)
        await pilot.press("escape")
        assert page.manner.pace.rate == 50
        assert "--ramp" not in shown(pilot)


async def test_another_wish_wants_another_plan() -> None:
    app = still()
    async with app.run_test(size=(140, 40)) as pilot:
        page = await planned(pilot, app)
        names = [row.name for row in table(app, "how").rows]
        await pilot.press(*["down"] * names.index("by-key"), "enter")
        assert page.phase is Phase.PLANNING
        assert page.manner.wishes.by_key
        await pilot.press("x")
        assert not page.query_one(Bottom).is_asking, "there is nothing to confirm yet"
        late = reports.plan(3)
        page.post_message(PlanMade(late, of_plan(late), Manner()))
        await pilot.pause()
        assert page.phase is Phase.PLANNING, "a plan for earlier wishes is late"
        page.post_message(PlanMade(late, of_plan(late), page.manner))
        await until(pilot, lambda: "nothing was written yet" in shown(pilot), "the new plan")


async def test_progress_tells_how_fast_and_what_is_waited_for() -> None:
    app = still()
    async with app.run_test(size=(120, 30)) as pilot:
        page = await planned(pilot, app)
        page.phase, page._began = Phase.RUNNING, reports.ago(2)
        page._rate.add(50, reports.ago(1))
        page.post_message(Stepped(Step(100, 1000)))
        await pilot.pause()
        assert "100 of 1,000 letters   50 a second   18.0 s left" in shown(pilot)
        page.post_message(Stepped(Step(100, 1000, told="waiting until 3 letters of this stage of 100 are read")))
        await pilot.pause()
        assert "waiting until 3 letters of this stage" in shown(pilot)
        assert "left" not in shown(pilot), "nobody knows how long others take"
        page.post_message(Stepped(Step(3, 3, report=reports.outcome(reports.plan(3)))))
        await pilot.pause()
        assert "in 2.0 s" in shown(pilot)
        await pilot.press("h")
        assert front(app, LedgerPage).topic == "users-dlt"


@pytest.mark.parametrize(("size", "told"), [((120, 40), "change"), ((120, 16), None)])
async def test_enter_is_told_of_as_what_it_does_where_the_keys_are(size: tuple[int, int], told: str | None) -> None:
    """On low terminals they scroll what the plan says, and no option is shown."""
    app = still()
    async with app.run_test(size=size) as pilot:
        page = await planned(pilot, app)
        assert dict(page.shown_keys).get("Enter") == told
        assert ("Enter change" in shown(pilot)) is (told is not None)
        table(app, "targets").focus_rows()
        await until(pilot, lambda: "Enter letter" in shown(pilot), "the other table's")
        await pilot.press("enter")
        front(app, PlannedPage)


def _option(name: str) -> Option:
    return next(one for one in options(Action.REPLAY, turn_ramp(Manner())) if one.name == name)


@pytest.mark.parametrize(
    ("name", "text", "is_right", "why"),
    [
        ("rate", "0.5", True, "one letter in two seconds"),
        ("rate", "0", False, "it would never end"),
        ("rate", "1e-300", False, "it would end after the sun"),
        ("rate", "-1", False, "nothing is taken back"),
        ("rate", "1e300", False, "no cluster takes them"),
        ("rate", "0.01", True, "one in a hundred seconds"),
        ("ramp-wait", "nan", False, "no number that can be waited for"),
        ("ramp-wait", "1e300", False, "nobody waits for it"),
        ("ramp-wait", "86400", True, "a day"),
        ("ramp-settle", "1e-300", False, "no clock has it"),
        ("ramp-settle", "-5", False, "before it was put back"),
        ("ramp-settle", "0", True, "nothing is waited for"),
        ("max-attempts", "1e300", False, "more often than anything was done"),
        ("max-attempts", "inf", False, "it is no whole number"),
        ("rate", "nan", False, "no number that can be waited for"),
        ("rate", "inf", False, "that is no limit: leave it empty"),
        ("max-attempts", "0", False, "no event could be put back at all"),
        ("max-attempts", "2.5", False, "attempts are whole"),
        ("chunk", "50001", False, "more than a transaction may take"),
        ("chunk", "1", True, "letter by letter"),
    ],
)
async def test_an_option_takes_only_what_the_command_would(name: str, text: str, is_right: bool, why: str) -> None:
    change: Callable[[Manner, str], Manner] | None = _option(name).change
    assert change is not None
    if is_right:
        assert change(Manner(), text) != Manner(), why
    else:
        with pytest.raises(ValueError, match=r"."):
            change(Manner(), text)


FILLED: Final = Manner(
    Wishes(
        to="orders again",
        transform=".a |= . + 1",
        drop_headers=("tenant", "x-y"),
        edited="my letters.json",
        max_attempts=7,
    ),
    Pace(rate=1500.5, chunk=20_000, ramp=Ramp(wait=90.0, settle=0.5)),
    reason="test data of Ada",
    run="7f3a",
)
"""A value for every option that is typed."""
TYPED: Final = [one for one in options(Action.REPLAY, FILLED) if one.change is not None]


@pytest.mark.parametrize("option", TYPED, ids=lambda one: one.name)
async def test_an_options_line_opens_with_its_value_and_enter_changes_nothing(option: Option) -> None:
    app = still()
    async with app.run_test(size=(140, 50)) as pilot:
        page = await planned(pilot, app)
        page.manner = FILLED
        made = page._plan
        page._change(option)
        prompt = page.query_one(Prompt)
        assert prompt.value, "its value as it is"
        assert prompt.value == option.text(FILLED)
        await pilot.press("enter")
        assert page.manner == FILLED
        assert (page._plan, page.phase) == (made, Phase.PLANNED), "nothing was planned anew"


@pytest.mark.parametrize("option", TYPED, ids=lambda one: one.name)
async def test_what_an_options_line_opens_with_means_the_same_and_emptying_it_takes_it_away(option: Option) -> None:
    assert option.change is not None
    assert option.change(FILLED, option.text(FILLED)) == FILLED
    emptied = option.change(FILLED, "")
    assert option.value(emptied) != option.value(FILLED)
    usual = replace(Manner(), pace=Pace(ramp=Ramp()))
    assert option.value(emptied) == option.value(usual), "as it is where nobody said anything"


async def test_a_reason_is_mended_and_taken_away_on_purpose_alone() -> None:
    app = still()
    async with app.run_test(size=(140, 40)) as pilot:
        page = await planned(pilot, app)
        page._take(set_reason(page.manner, "test data of Ada"))
        await pilot.press("e", "end", *"ck", "enter")
        assert page.manner.reason == "test data of Adack"
        await pilot.press("e", "escape")
        assert page.manner.reason == "test data of Adack"
        await pilot.press("e", "ctrl+u", "enter")
        assert page.manner.reason is None


async def test_what_was_mistyped_is_there_to_be_mended() -> None:
    app = still()
    async with app.run_test(size=(140, 40)) as pilot:
        page = await planned(pilot, app)
        await pilot.press("s", *"5o", "enter")
        assert "'5o' is no number" in shown(pilot)
        assert (page.query_one(Prompt).value, page.query_one(Prompt).is_asking) == ("5o", True)
        await pilot.press("end", "backspace", "0", "enter")
        assert page.manner.pace.rate == 50
        assert "is no number" not in shown(pilot)


async def test_letters_are_not_written_off_without_a_reason() -> None:
    app = still()
    async with app.run_test(size=(140, 40)) as pilot:
        page = ReplayPage(Selection("users-dlt"), replace(reports.plan(3), action=Action.DISCARD, reason="test data"))
        await app.open("dlq", page)
        await pilot.press("e", "ctrl+u", "enter")
        assert "a reason is needed" in shown(pilot)
        assert page.manner.reason == "test data"


async def test_a_read_only_context_offers_no_writing() -> None:
    app = still(read_only=True)
    async with app.run_test(size=(120, 40)) as pilot:
        page = await planned(pilot, app)
        assert "How" not in shown(pilot)
        await pilot.press("x")
        assert "read-only" in shown(pilot)
        assert page.phase is Phase.PLANNED
        assert current(app, "targets").letter.position == Position("users-dlt", 0, 0)
