"""What is drawn, once more before the terminal gets it: in another theme's colours, or in the letters that every
terminal has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from rich.cells import cell_len
from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter
from textual.theme import Theme

from eventops.tui.palette import ACCENT, BAD, FAINT, GOOD, ODD, THEME, WARN

_MOST_STYLES: Final = 2000
_LEAST: Final = 3.0
"""Contrast of a text with its ground, as WCAG 2 reckons it, from 1 to 21: the least for bold and for large letters."""
_GROUND: Final = Color.parse(THEME.background or "black")
_USUAL: Final = 5.9
"""Contrast of a text on our own ground: what has less is faint, as the palette's faint is, and what is stale."""
_APART: Final = 1.4
"""Contrast of two grounds that are told apart."""
_OURS: Final[Mapping[str, str]] = {
    GOOD: "text-success",
    WARN: "text-warning",
    BAD.removeprefix("bold "): "text-error",
    ACCENT: "text-primary",
    ODD: "text-accent",
}
"""Our colours and the names of a theme's own that are readable on its ground."""


def colours(theme: Theme) -> dict[str, str]:
    """Ours, each with the theme's colour that stands for it, readable wherever texts stand. None of an ANSI theme's:
    the terminal's own are kept.

    >>> from textual.theme import BUILTIN_THEMES
    >>> light = colours(BUILTIN_THEMES["textual-light"])
    >>> light[GOOD], light[FAINT]
    ('#2D613D', '#5C5C5C')
    """
    if theme.name.startswith("ansi"):
        return {}
    named = theme.to_color_system().generate()
    ink, ground = Color.parse(named["foreground"]), Color.parse(named["background"])
    wanted = {ours: Color.parse(named[name]) for ours, name in _OURS.items()} | {FAINT: ink.blend(ground, 0.4)}
    grounds = [ground, Color.parse(named["panel"]), _rows(named)["row-chosen"]]
    return {ours: readable(colour, ink, grounds).hex for ours, colour in wanted.items()}


def rows_of(theme: Theme) -> dict[str, str]:
    """The grounds of the row under the cursor and of marked rows, and the ink of what stands over columns.

    >>> from textual.theme import BUILTIN_THEMES
    >>> rows_of(BUILTIN_THEMES["nord"])
    {'row-chosen': '#475B68', 'row-marked': '#444649', 'row-head': '#A8AEB9'}
    """
    if theme.name.startswith("ansi"):
        head = theme.secondary or "ansi_default"
        return {"row-chosen": "ansi_blue", "row-marked": "ansi_bright_black", "row-head": head}
    named = theme.to_color_system().generate()
    return {**{name: colour.hex for name, colour in _rows(named).items()}, "row-head": colours(theme)[FAINT]}


def readable(colour: Color, ink: Color, grounds: Sequence[Color]) -> Color:
    """The colour, as far towards the ink as it takes to be read on each of the grounds.

    >>> readable(Color.parse("#777"), Color.parse("#fff"), [Color.parse("#000"), Color.parse("#555")]).hex
    '#ADADAD'
    """
    steps = (colour.blend(ink, tenth / 10) for tenth in range(10))
    return next((one for one in steps if min(_contrast(one, ground) for ground in grounds) >= _LEAST), ink)


def _contrast(one: Color, other: Color) -> float:
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Color) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _rows(named: Mapping[str, str]) -> dict[str, Color]:
    ground = Color.parse(named["background"])
    wanted = {"row-chosen": ("primary", 0.28), "row-marked": ("warning", 0.12)}
    return {name: ground.blend(Color.parse(named[of]), share) for name, (of, share) in wanted.items()}


class _Restyled(LineFilter):
    """The same texts in other styles, each of which is worked out once."""

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[Style, Style] = {}

    def apply(self, segments: list[Segment], _background: Color) -> list[Segment]:
        """The same text."""
        return [
            segment if segment.style is None else Segment(segment.text, self._style(segment.style), segment.control)
            for segment in segments
        ]

    def _style(self, style: Style) -> Style:
        found = self._known.get(style)
        if found is None:
            if len(self._known) >= _MOST_STYLES:
                self._known.clear()
            found = self._known[style] = self._translated(style)
        return found

    def _translated(self, style: Style) -> Style:
        raise NotImplementedError


class Themed(_Restyled):
    """Texts are coloured in the palette's few colours; here they become the theme's."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._colours = {RichColor.parse(ours): RichColor.parse(theirs) for ours, theirs in colours(theme).items()}

    def _translated(self, style: Style) -> Style:
        front = self._colours.get(style.color) if style.color is not None else None
        back = self._colours.get(style.bgcolor) if style.bgcolor is not None else None
        return style if front is None and back is None else style + Style(color=front, bgcolor=back)


class Uncoloured(_Restyled):
    """No colour at all, as no-color.org asks for it: what is faint is dim, and what stands on a ground of its own (the
    row under the cursor, a badge, a scrollbar) is in reverse."""

    def _translated(self, style: Style) -> Style:
        back = _GROUND if style.bgcolor is None else Color.from_rich_color(style.bgcolor)
        front = None if style.color is None else Color.from_rich_color(style.color)
        is_faint = front is not None and _contrast(front, _GROUND) < _USUAL
        is_apart = _contrast(back, _GROUND) > _APART
        bare = Style(
            bold=style.bold, dim=style.dim or (is_faint and not is_apart), italic=style.italic,
            underline=style.underline, strike=style.strike, reverse=style.reverse or is_apart, link=style.link,
        )  # fmt: skip
        return bare + Style.from_meta(style.meta) if style.meta else bare


_LETTERS: Final[Mapping[str, str]] = {
    **dict(zip("▁▂▃▄▅▆▇█", "__..--=#", strict=True)),
    **dict.fromkeys("─━╌╍┄┅┈┉╴╶╸╺═▔▬╾╼", "-"),
    **dict.fromkeys("│┃║╎╏┆┇┊┋╵╷╹╻▏▎▍▌▐▕", "|"),
    **dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╯╰┏┓┗┛┣┫┳┻╋╔╗╚╝╠╣╦╩╬╞╡╪╫", "+"),
    "✓": "v", "✗": "x", "▲": "!", "↻": "R", "●": "*", "○": "o", "◆": "*", "◇": "o", "■": "#", "□": "o",
    "…": "~", "·": ".", "•": "*", "≥": ">", "≤": "<", "→": ">", "←": "<", "↑": "^", "↓": "v", "↳": "+", "⇢": ">",
    "\u00d7": "x", "\u2013": "-", "\u2014": "-", "“": '"', "”": '"', "\u2018": "'", "\u2019": "'", "\u00a0": " ",
    "«": "<", "»": ">",
    "▸": ">",
    "▶": ">", "▷": ">", "◀": "<", "◁": "<", "▼": "v", "▽": "v", "△": "^", "░": ".", "▒": ":", "▓": "#", "\u276f": ">",
    "≈": "~", "±": "+", "µ": "u", "°": "o", "✔": "v", "✘": "x", "⚠": "!", "🔎": "/ ",
}  # fmt: skip
"""Signs of the screens and what stands for each where only ASCII can be drawn; as wide as the sign."""
_TABLE: Final = str.maketrans({sign: letters for sign, letters in _LETTERS.items() if len(letters) == 1})


def ascii_text(text: str) -> str:
    """In ASCII, as wide as before; what has no likeness is a question mark for each cell.

    >>> ascii_text("✓ caught up  ▁▄█  é 日 │")
    'v caught up  _.#  ? ?? |'
    """
    if text.isascii():
        return text
    translated = text.translate(_TABLE)
    return translated if translated.isascii() else "".join(map(_letter, translated))


def _letter(sign: str) -> str:
    return sign if sign.isascii() else _LETTERS.get(sign, "?" * cell_len(sign))


class Ascii(LineFilter):
    """For terminals that can't draw anything else."""

    def apply(self, segments: list[Segment], _background: Color) -> list[Segment]:
        """As wide as before."""
        return [
            segment if segment.text.isascii() else Segment(ascii_text(segment.text), segment.style, segment.control)
            for segment in segments
        ]


def draws_only_ascii(environ: Mapping[str, str]) -> bool:
    """Whether the terminal says so: its locale is none of Unicode, or it is a kind that has no signs for it. Where
    nothing is said, as in most containers, it can.

    >>> draws_only_ascii({"LANG": "C", "LC_CTYPE": "C.UTF-8"})    # Python's own doing, see PEP 538
    True
    >>> draws_only_ascii({"LANG": "de_DE.UTF-8"}), draws_only_ascii({}), draws_only_ascii({"TERM": "linux"})
    (False, False, True)
    >>> draws_only_ascii({"LANG": "C", "LC_ALL": "C.utf8"}), draws_only_ascii({"EVENTOPS_ASCII": "1"})
    (False, True)
    """
    if told := environ.get("EVENTOPS_ASCII"):
        return told != "0"
    if environ.get("TERM", "").split("-")[0] in ("linux", "vt100", "vt220", "dumb"):
        return True
    ctype = environ.get("LC_CTYPE", "")
    locale = environ.get("LC_ALL") or (ctype if ctype != "C.UTF-8" else "") or environ.get("LANG") or ctype
    return bool(locale) and "utf8" not in locale.lower().replace("-", "")
