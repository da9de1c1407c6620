"""What is pasted, told from keys: a terminal puts it between two marks (bracketed paste), and passes on the rest."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from textual.events import Paste

_BEGIN: Final = "\x1b[200~"
_END: Final = "\x1b[201~"
_SEQUENCE: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|.)?", re.DOTALL)
"""What colours text, moves a cursor, or sets a title: it comes along with a line that is copied from a log."""
_UNFINISHED: Final = 2
"""Characters from which on the beginning of a mark is no key by itself."""


class Pastes:
    """Parts what comes from a terminal, however it is cut into pieces. Textual looks for keys in what is pasted, where
    an escape is in it."""

    def __init__(self) -> None:
        self._held = ""
        """What may be the beginning of a mark."""
        self._pasted: list[str] | None = None

    def part(self, text: str) -> Iterator[str | Paste]:
        r"""Texts for the parser of keys, and what was pasted between them.

        >>> pastes = Pastes()
        >>> list(pastes.part("j\x1b[200~a\x1b[31mq"))
        ['j']
        >>> list(pastes.part("\x1b[20")), list(pastes.part("1~k"))
        ([], [Paste(text='aq'), 'k'])
        >>> list(pastes.part("\x1b[200~a\x1b")), list(pastes.part("[201~"))
        ([], [Paste(text='a')])
        >>> list(pastes.part("\x1b")), list(pastes.part("\x1b[20")), list(pastes.part("~"))
        (['\x1b'], [], ['\x1b[20~'])
        """
        text, self._held = self._held + text, ""
        while text:
            if self._pasted is not None:
                pasted, mark, text = text.partition(_END)
                if not mark:
                    pasted, self._held = _without_beginning(pasted, _END, 1)
                self._pasted.append(pasted)
                if mark:
                    yield Paste(plain("".join(self._pasted)))
                    self._pasted = None
                continue
            keys, mark, text = text.partition(_BEGIN)
            if mark:
                self._pasted = []
            else:
                keys, self._held = _without_beginning(keys, _BEGIN, _UNFINISHED)
            if keys:
                yield keys


def plain(text: str) -> str:
    r"""Text that obeys nobody: lines and tabs stay.

    >>> plain("\x1b[1;31mred\x1b[0m\r\nand\ta\x07 bell\x1b]0;title\x07\x9b")
    'red\nand\ta bell'
    """
    lines = _SEQUENCE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return "".join(one for one in lines if one in "\n\t" or unicodedata.category(one) != "Cc")


def _without_beginning(text: str, mark: str, least: int) -> tuple[str, str]:
    """It, and the beginning of a mark at its end, of so many characters at least."""
    for size in range(len(mark) - 1, least - 1, -1):
        if text.endswith(mark[:size]):
            return text[:-size], text[-size:]
    return text, ""
