"""The context ``local``: how every other command finds the local Kafka without an option."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from eventops.config import (
    BOOTSTRAP,
    ConfigurationError,
    Context,
    load_contexts,
    remove_context,
    save_context,
    use_context,
)

NAME: Final = "local"
_REPLACED: Final = "replaced"
"""The setting that remembers which context was current before; given back when ``local`` goes."""


@dataclass(frozen=True, slots=True)
class Published:
    """``replaced``: the context that was current before; None where there was none."""

    name: str
    replaced: str | None


def publish(contexts: Path, bootstrap_servers: str) -> Published:
    """Write the context and make it the current one. What people declared in it, such as families of letters, stays.

    Raises:
        ConfigurationError: the file can't be read or written.
    """
    known = load_contexts(contexts)
    before = known.by_name.get(NAME)
    settings = dict(before.settings) if before else {}
    former = settings.pop(_REPLACED, None)
    replaced = former if known.current == NAME else known.current
    settings |= {_REPLACED: replaced} if replaced else {}
    save_context(contexts, Context(NAME, {BOOTSTRAP: bootstrap_servers}, settings), use=True)
    return Published(NAME, replaced)


@contextmanager
def described(contexts: Path, bootstrap_servers: str, settings: Mapping[str, Any]) -> Iterator[None]:
    """Within this block the context says these settings too, where it means those servers; afterwards what it said
    before.

    Raises:
        ConfigurationError: the file can't be read or written.
    """
    before = load_contexts(contexts).by_name.get(NAME)
    if not settings or before is None or before.bootstrap_servers != bootstrap_servers:
        yield
        return
    save_context(contexts, replace(before, settings={**before.settings, **settings}), use=False)
    try:
        yield
    finally:
        ours = load_contexts(contexts).by_name.get(NAME)
        if ours is not None and ours.bootstrap_servers == bootstrap_servers:
            save_context(contexts, replace(ours, settings=before.settings), use=False)


def withdraw(contexts: Path, bootstrap_servers: str | None = None) -> str | None:
    """Take the context away again; with servers, only where it still means those: another may be up by now.

    Returns the context that is current again, None where none is.

    Raises:
        ConfigurationError: the file can't be read or written.
    """
    known = load_contexts(contexts)
    ours = known.by_name.get(NAME)
    if ours is None or (bootstrap_servers is not None and ours.bootstrap_servers != bootstrap_servers):
        return known.current
    remove_context(contexts, NAME)
    if known.current != NAME:
        return known.current
    former = ours.settings.get(_REPLACED)
    if not isinstance(former, str):
        return None
    try:
        use_context(contexts, former)
    except ConfigurationError:  # it was removed in the meantime
        return None
    return former
