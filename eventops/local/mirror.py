"""The mirror that Maven's own settings name instead of the central repository: ``~/.m2/settings.xml``.

Only what is needed to fetch public files: no credentials, no profiles, and no URL with placeholders in it.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree


def of_central(settings: Path | None = None) -> str | None:
    """Its URL; None where there is no such file, it can't be read, or it names no mirror of central."""
    try:
        text = (settings or Path.home() / ".m2" / "settings.xml").read_text(encoding="utf-8")
        return named_in(text)
    except (OSError, RuntimeError, ValueError, ElementTree.ParseError):  # RuntimeError: nobody's home is known
        return None


def named_in(text: str) -> str | None:
    """The first mirror that stands for central.

    >>> named_in("<settings><mirror><mirrorOf>*</mirrorOf><url>https://example.org/maven/</url></mirror></settings>")
    'https://example.org/maven'

    Raises:
        ParseError: this isn't XML.
    """
    for mirror in ElementTree.fromstring(text).iterfind(".//{*}mirror"):  # noqa: S314 (the user's own file)
        url = (mirror.findtext("{*}url") or "").strip()
        if stands_for_central(mirror.findtext("{*}mirrorOf") or "") and url.startswith("http") and "${" not in url:
            return url.rstrip("/")
    return None


def stands_for_central(mirror_of: str) -> bool:
    """Maven's patterns: names, ``*``, ``external:*`` for all that aren't on this machine, ``!name`` for all but one.

    >>> [stands_for_central(of) for of in ("central", "*", "a, central", "external:*", "*,!central", "a", "")]
    [True, True, True, True, False, False, False]
    """
    patterns = {pattern.strip() for pattern in mirror_of.split(",")}
    return "!central" not in patterns and bool(patterns & {"central", "*", "external:*"})
