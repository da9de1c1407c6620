"""The shell around the screens: the palette, themes, contexts, what is remembered, terminals that draw little."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.color import Color
from textual.pilot import Pilot

from eventops.dlq.model import Selection
from eventops.records.model import Seen
from eventops.tui import kept
from eventops.tui.app import Dashboard
from eventops.tui.combing import Combing
from eventops.tui.confirming import ConfirmingPage
from eventops.tui.contexts import ContextsPage
from eventops.tui.events import EventsPage
from eventops.tui.filters import ascii_text, colours, rows_of
from eventops.tui.kept import Kept, Place
from eventops.tui.lag import GroupPage, LagPage
from eventops.tui.messages import Answered, SeenMore
from eventops.tui.overview import OverviewPage
from eventops.tui.palette import GOOD, LIGHT, THEME, WARN
from eventops.tui.replay import ReplayPage
from eventops.tui.reset import ResetPage
from eventops.tui.target import Target
from eventops.tui.topics import TopicPage
from eventops.tui.widgets.columns import Wish
from tests.tui import reports
from tests.tui.stage import answer, answer_all, front, go, shown, still, table, type_text, until

pytestmark = pytest.mark.asyncio

CONTEXTS = """
current = "prod"
[contexts.prod]
"bootstrap.servers" = "127.0.0.1:1"
[contexts.stage]
"bootstrap.servers" = "127.0.0.1:2"
"eventops.read-only" = true
"eventops.colour" = "red"
"""


@pytest.fixture
def held() -> str:
    """What stands in the configuration: two clusters at which nothing listens."""
    return CONTEXTS


@pytest.fixture
def contexts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: str) -> None:
    """The configuration."""
    path = tmp_path / "contexts.toml"
    path.write_text(held, encoding="utf-8")
    monkeypatch.setenv("EVENTOPS_CONFIG", str(path))


def drawn_colours(pilot: Pilot[Any]) -> set[str]:
    """The colours of all text on the screen, in hex."""
    found = set()
    for strip in pilot.app.screen._compositor.render_strips(pilot.app.size):
        for segment in strip:
            colour = segment.style.color if segment.style is not None and segment.text.strip() else None
            if colour is not None and colour.triplet is not None:
                found.add(colour.triplet.hex)
    return found


def pictures(directory: Path) -> list[Path]:
    """What was saved there."""
    return list(directory.glob("*.svg"))


def as_drawn(colour: str) -> str:
    """The same in hex."""
    return Color.parse(colour).get_truecolor().hex


@pytest.mark.parametrize(
    ("typed", "page", "held"), [("lagbill", GroupPage, "billing-group"), ("tpcsuser", TopicPage, "users")]
)
async def test_the_palette_finds_names_by_a_few_letters(typed: str, page: type[Any], held: str) -> None:
    app = still()
    async with app.run_test(size=(100, 30)) as pilot:
        await answer_all(pilot, app)
        await pilot.press("ctrl+p")
        await until(pilot, lambda: ":trace" in shown(pilot), "commands")
        await pilot.press(*typed)
        await until(pilot, lambda: held in shown(pilot) and ":trace" not in shown(pilot), "what was typed is found")
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(app.screen, page), f"{page}")
        assert held in shown(pilot)


async def test_the_palette_has_every_command_and_the_keys_of_the_screen() -> None:
    app = still()
    async with app.run_test(size=(100, 60)) as pilot:
        await pilot.press("2", "ctrl+p")
        await until(pilot, lambda: ":trace" in shown(pilot), "commands")
        await pilot.press(*"pause")
        await until(pilot, lambda: "nothing is asked until r" in shown(pilot), "keys")
        await pilot.press("down", "enter")
        await until(pilot, lambda: not app.is_paused, "it was paused before")


async def test_the_palette_finds_a_command_by_what_it_shows() -> None:
    app = still()
    async with app.run_test(size=(100, 60)) as pilot:
        await pilot.press("ctrl+p", *"dead letters, o")
        await until(pilot, lambda: ":dlq" in shown(pilot) and ":trace" not in shown(pilot), "dead letters")


@pytest.mark.parametrize("name", ["eventops-light", "nord", "textual-light"])
async def test_a_theme_colours_the_tables_too_and_is_remembered(name: str) -> None:
    app = still()
    async with app.run_test(size=(100, 30)) as pilot:
        await answer_all(pilot, app)
        assert as_drawn(WARN) in drawn_colours(pilot)
        await pilot.press("colon")
        await type_text(pilot, f"theme {name}")
        await pilot.pause()
        theme = app.available_themes[name]
        assert as_drawn(WARN) not in drawn_colours(pilot)
        assert as_drawn(colours(theme)[WARN]) in drawn_colours(pilot)
        assert app.kept.document()["theme"] == name
        await pilot.press("colon")
        await type_text(pilot, "theme unheard-of")
        assert app.theme == name
        assert any("no such theme" in note.message for note in app._notifications)


async def test_a_section_that_was_left_wears_the_theme_that_was_chosen_meanwhile() -> None:
    app = still()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("2", "1", "colon")
        await type_text(pilot, "theme nord")
        for section in ("1", "2", "4"):
            await pilot.press(section)
            await pilot.pause()
            assert app.screen.styles.background.hex == app.available_themes["nord"].background, section


async def test_a_light_theme_can_be_read() -> None:
    """Contrast of 4.5 to 1 at least, as WCAG 2.2 wants it for text (1.4.3)."""
    for ours in (GOOD, WARN):
        ink = colours(LIGHT)[ours]
        assert _contrast(LIGHT.background or "", ink) >= 4.5, f"{ours} as {ink}"


@pytest.mark.parametrize("name", [name for name in still().available_themes if not name.startswith("ansi")])
async def test_in_every_theme_texts_can_be_read_wherever_they_stand(name: str) -> None:
    """3 to 1 at least, also in the line of the context and under the cursor."""
    theme = still().available_themes[name]
    variables = {**theme.to_color_system().generate(), **rows_of(theme), **theme.variables}
    head = _contrast(variables["row-head"], variables["background"])
    assert head >= 3.0, f"titles of columns: {head:.2f}"
    inks = colours(theme) if name != THEME.name else {}  # whose colours are ours as they are
    for ours, ink in inks.items():
        for ground in ("background", "panel", "row-chosen"):
            found = _contrast(variables[ground], ink)
            assert found >= 2.95, f"{ours} as {ink} on {ground}: {found:.2f}"


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(Color.parse(colour).get_truecolor()) for colour in (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Any) -> float:
    parts = [part / 255 for part in (colour.red, colour.green, colour.blue)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return float(0.2126 * red + 0.7152 * green + 0.0722 * blue)


async def test_where_one_was_and_how_tables_were_looked_at_outlasts_the_run(tmp_path: Path) -> None:
    path = tmp_path / "state" / "dashboard.json"
    app = still(remembered=kept.load(path))
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("2")
        await answer(pilot, app.questions.lag, reports.sick_lag())
        await pilot.press("slash")
        await type_text(pilot, "!mail")
        table(app, "groups").sort_by("lag", is_reversed=True)
        await pilot.press("minus", "colon")
        await type_text(pilot, "theme nord")
        await pilot.press("q")
    app.kept.save()
    app = still(remembered=kept.load(path))
    async with app.run_test(size=(100, 30)) as pilot:
        front(app, LagPage)
        await answer(pilot, app.questions.lag, reports.sick_lag())
        assert table(app, "groups").wish == Wish("!mail", "lag", is_reversed=True)
        assert "3 of 4 for “!mail”" in shown(pilot), "that rows are left out is said"
        assert (app.theme, app.questions.refresh) == ("nord", 4.0)
        await pilot.press("escape")
        assert "mail-group" in shown(pilot)


async def test_of_two_dashboards_none_takes_away_what_the_other_remembers(tmp_path: Path) -> None:
    path = tmp_path / "dashboard.json"
    first = Kept(path, "nord", {"prod": Place("lag", 2.0, {"lag/groups": Wish("mail"), "dlq/topics": Wish("users")})})
    first.theme = "textual-dark"
    first.save()
    here, there = kept.load(path), kept.load(path)
    here.place("prod").tables["lag/groups"] = Wish("billing")
    here.place("stage").section = "topics"
    there.place("prod").refresh = 5.0
    there.place("prod").tables["dlq/topics"] = Wish()
    there.place("test").section = "dlq"
    there.theme = "gruvbox"
    here.save()
    there.save()
    found = kept.load(path)
    assert found.theme == "gruvbox"
    assert found.places == {
        "prod": Place("lag", 5.0, {"lag/groups": Wish("billing"), "dlq/topics": Wish()}),
        "stage": Place("topics"),
        "test": Place("dlq"),
    }
    here.place("prod").section = "overview"
    here.save()
    assert kept.load(path).place("prod") == Place("overview", 5.0, found.places["prod"].tables), "the other's is kept"
    assert kept.load(path).theme == "gruvbox"


async def test_dashboards_that_end_at_once_all_remember(tmp_path: Path) -> None:
    path = tmp_path / "dashboard.json"
    runs = [kept.load(path) for _ in range(20)]
    for number, run in enumerate(runs):
        run.place(f"context-{number}").section = "lag"
    with ThreadPoolExecutor(len(runs)) as threads:
        list(threads.map(Kept.save, runs))
    assert len(kept.load(path).places) == len(runs)


async def jumped(pilot: Pilot[Any], app: Dashboard) -> None:
    """To the dead letters of a group that reads two topics."""
    await answer(pilot, app.questions.letters, reports.some_topics())
    await app.open_letters(Target(topics=("orders", "users")))
    await until(pilot, lambda: len(table(app, "topics").rows) == 2, "both topics")


async def test_what_a_way_shows_is_said_and_is_no_filter_of_the_next_run(tmp_path: Path) -> None:
    path = tmp_path / "dashboard.json"
    app = still(remembered=kept.load(path))
    async with app.run_test(size=(140, 30)) as pilot:
        await jumped(pilot, app)
        assert "those of orders, users; Esc shows all" in shown(pilot)
        await go(pilot, app, "2")
        await go(pilot, app, "4")
        assert "those of orders, users; Esc shows all" in shown(pilot), "in this run it stays, and is said"
        app.remember()
        assert kept.load(path).place("prod").tables["dlq/topics"] == Wish()
        await pilot.press("escape")
        assert "Esc shows all" not in shown(pilot)
        await pilot.press("slash")
        await type_text(pilot, "users")
        assert "those of" not in shown(pilot)
        await jumped(pilot, app)
        await pilot.press("q")
    app.kept.save()
    assert kept.load(path).place("prod").tables["dlq/topics"] == Wish("users"), "what was written stays the operator's"


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff", b"[]", b'{"version": 1, "contexts": 7}', b'{"version":1,"contexts":{"prod":{"section":"../x"}}}',
     b'{"version":1,"theme":"\\u001b[2J","contexts":{"prod":{"section":"lag","tables":{"lag/groups":{"needle":9}}}}}',
     b"[" * 100_000],
)  # fmt: skip
async def test_a_broken_memory_is_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "dashboard.json"
    path.write_bytes(content)
    app = still(remembered=kept.load(path))
    async with app.run_test(size=(100, 30)) as pilot:
        await answer_all(pilot, app)
        assert "billing-group" in shown(pilot)
        app.remember()
    assert json.loads(path.read_text(encoding="utf-8"))["version"] == 1


async def test_memory_that_cannot_be_written_is_no_trouble(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    Kept(blocked / "dashboard.json").save()
    assert kept.load(blocked / "dashboard.json").places == {}


@pytest.mark.usefixtures("contexts")
async def test_another_cluster_is_one_command_away_and_nothing_of_the_one_before_is_shown_there() -> None:
    app = still()
    async with app.run_test(size=(100, 30)) as pilot:
        await answer_all(pilot, app)
        before = app.questions.lag
        await pilot.press("colon")
        await type_text(pilot, "ctx")
        await until(pilot, lambda: isinstance(app.screen, ContextsPage), "the contexts")
        await until(pilot, lambda: "READ-ONLY" in shown(pilot), "the one that isn't written to")
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.desk.context.name == "stage", "the other cluster")
        await until(pilot, lambda: isinstance(app.screen, OverviewPage), "its first screen")
        app.post_message(Answered(before, reports.sick_lag()))
        await pilot.pause()
        text = shown(pilot)
        assert "billing-group" not in text, "a late answer of the other cluster"
        assert "READ-ONLY" in text.splitlines()[0]
        assert "stage" in text.splitlines()[0]
        assert "--context stage" in text
        await go(pilot, app, "2")
        assert "billing-group" not in shown(pilot)
        await answer(pilot, app.questions.lag, reports.healthy_lag())
        await until(pilot, lambda: "billing-group" in shown(pilot), "an answer of this one")
        await pilot.press("colon")
        await type_text(pilot, "context nowhere")
        await until(
            pilot, lambda: any("no context 'nowhere'" in one.message for one in app._notifications), "the refusal"
        )
        assert app.desk.context.name == "stage"
        await pilot.press("colon")
        await type_text(pilot, "ctx")
        await until(pilot, lambda: isinstance(app.screen, ContextsPage), "the contexts")
        app.note()
        assert app.kept.place("stage").section == "lag", "where one was, not where one chose"
    app.let_go()


def some_reset() -> ResetPage:
    return ResetPage("audit-group", reports.reset_plan().target, plan=reports.reset_plan())


def some_replay() -> ReplayPage:
    return ReplayPage(Selection("users-dlt"), reports.plan(3))


@pytest.mark.parametrize("makes", [some_replay, some_reset])
@pytest.mark.usefixtures("contexts")
async def test_who_writes_stays_at_the_cluster(makes: Callable[[], ConfirmingPage]) -> None:
    app = still()
    async with app.run_test(size=(100, 30)) as pilot:
        page = makes()
        page.execute = lambda: None  # type: ignore[method-assign]
        await app.open(page.section, page)
        await pilot.press("x")
        await type_text(pilot, page.password)
        await pilot.press("colon")
        await type_text(pilot, "context stage")
        assert app.desk.context.name == "prod"
        assert any("has to end first" in note.message for note in app._notifications)


@pytest.mark.parametrize("held", ["not = [toml"])
@pytest.mark.usefixtures("contexts")
async def test_a_configuration_that_cannot_be_read_is_told() -> None:
    app = still()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("colon")
        await type_text(pilot, "context")
        assert "contexts.toml" in shown(pilot)
        await pilot.press("colon")
        await type_text(pilot, "context stage")
        assert app.desk.context.name == "prod"


@pytest.mark.parametrize("environ", [{"LANG": "C"}, {"LC_ALL": "POSIX"}, {"TERM": "linux", "LANG": "en_US.UTF-8"}])
async def test_a_terminal_without_unicode_gets_none(environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    app = still()
    async with app.run_test(size=(140, 40)) as pilot:
        await answer_all(pilot, app)
        for key in ("1", "2", "3", "4", "5", "question_mark"):
            await pilot.press(key)
            await pilot.pause()
            assert shown(pilot).isascii(), key
        await pilot.press("escape", "2")
        assert "x inactive" in shown(pilot)


async def test_ascii_is_as_wide_as_what_it_stands_for() -> None:
    assert ascii_text("日本 ✓") == "???? v"


async def test_the_screen_is_saved_as_a_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    app = still()
    async with app.run_test(size=(100, 30)) as pilot:
        await answer_all(pilot, app)
        await pilot.press("S")
        [saved] = pictures(tmp_path)
        assert "billing-group" in saved.read_text(encoding="utf-8")
        monkeypatch.chdir("/proc")
        await pilot.press("S")
        assert any("not saved" in note.message for note in app._notifications)


async def test_a_click_sorts_and_opens() -> None:
    app = still()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("2")
        await answer(pilot, app.questions.lag, reports.sick_lag())
        lines = shown(pilot).splitlines()
        head = next(number for number, line in enumerate(lines) if "verdict" in line)
        await pilot.click(offset=(lines[head].index("lag"), head))
        assert table(app, "groups").sorting == ("lag", False)
        second = app.screen.query_one("#groups Grid").region.y + 2
        await pilot.click(offset=(5, second))
        await pilot.click(offset=(5, second))
        front(app, GroupPage)


async def test_an_old_answer_tells_its_age_while_nothing_is_asked() -> None:
    app: Dashboard = still()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("2")
        await answer(pilot, app.questions.lag, reports.sick_lag())
        assert app.questions.lag.answered_at is not None
        app.questions.lag.answered_at -= timedelta(minutes=7)
        app.repaint()
        await pilot.pause()
        assert "7 m 0 s old" in shown(pilot)


@pytest.mark.usefixtures("contexts")
async def test_a_search_that_ends_with_its_cluster_is_told() -> None:
    app = still()
    async with app.run_test(size=(100, 30)) as pilot:
        await go(pilot, app, "6")
        page = front(app, EventsPage)
        page._search = Combing(1, page.post_message)
        page._number, page._began = 1, reports.NOW
        page.post_message(SeenMore(1, Seen(340, (), (), 340, 1000, None)))
        await pilot.press("1", "colon")
        await type_text(pilot, "context stage")
        await until(pilot, lambda: app.desk.context.name == "stage", "the other cluster")
        told = "at prod the search through records ended after 340 offsets"
        assert any(told in note.message for note in app._notifications)
        app.clear_notifications()
        await pilot.press("colon")
        await type_text(pilot, "context prod")
        await until(pilot, lambda: app.desk.context.name == "prod", "back again")
        assert not app._notifications, "nothing was under way there"
    app.let_go()


async def test_keys_that_the_help_tells_of_are_tried_at_once() -> None:
    app = still()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("2", "question_mark", "slash", *"bill")
        assert table(app, "groups").needle == "bill"


async def test_how_often_is_asked_is_told_where_no_line_shows_it() -> None:
    app = still()
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("plus")
        assert [note.message for note in app._notifications] == ["the cluster is asked every 1 s, once it goes on"]
        app.clear_notifications()
        app.is_paused = False
        await pilot.press("minus")
        await pilot.press("plus", "plus", "plus")
        assert [note.message for note in app._notifications][-1] == "the cluster is asked every 0.5 s"


@pytest.mark.parametrize(("remembered", "asked"), [(1e-300, 0.5), (7.0, 7.0), (999_999, 300.0)])
async def test_how_often_is_asked_is_within_bounds_whatever_is_remembered(remembered: float, asked: float) -> None:
    places = {"version": 1, "contexts": {"prod": {"refresh": remembered}}}
    app = still(remembered=kept.read(places))
    assert app.questions.refresh == asked
    assert app.questions.lag.every == asked


@pytest.mark.parametrize("theme", ["eventops", "textual-light"])
@pytest.mark.parametrize(("said", "is_plain"), [("1", True), ("", False)])
async def test_no_colour_is_drawn_where_none_is_wanted(
    monkeypatch: pytest.MonkeyPatch, said: str, is_plain: bool, theme: str
) -> None:
    """Nor greys; an empty word asks for nothing (no-color.org)."""
    monkeypatch.setenv("NO_COLOR", said)
    app = still(colour="red", remembered=Kept(theme=theme))
    async with app.run_test(size=(120, 40)) as pilot:
        await answer_all(pilot, app)
        for key in "123456?":
            await pilot.press(key)
            await pilot.pause()
            looks = [one.style for line in pilot.app.screen._compositor.render_strips(app.size) for one in line]
            styles = [one for one in looks if one is not None]
            assert all(one.color is None and one.bgcolor is None for one in styles) is is_plain
            assert not is_plain or any(one.dim for one in styles), "what is faint"
            assert not is_plain or key == "?" or any(one.reverse for one in styles), "the context, and the section"
        assert app.kept.theme == theme, "the next run has colours, it may be"


async def test_an_alarm_is_never_faint_where_there_are_no_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor on the ground of the row where the cursor stood."""
    monkeypatch.setenv("NO_COLOR", "1")
    app = still()
    async with app.run_test(size=(120, 40)) as pilot:
        await answer_all(pilot, app)
        for keys in ([], ["tab"], ["colon"]):
            await pilot.press(*keys)
            await pilot.pause()
            lines = app.screen._compositor.render_strips(app.size)
            found = [one.style for line in lines for one in line if "ahead of log" in one.text]
            assert found
            assert all(style is not None and style.bold and not style.dim for style in found)
