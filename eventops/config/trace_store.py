"""Where spans are kept: settings of a context, or of one command."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from eventops.config.secrets import ConfigurationError

OURS: Final = "eventops."
"""Stands before every setting that isn't librdkafka's."""
TRACE_STORE: Final = ("jaeger", "tempo", "traces-token", "traces-tenant", "traces-link")
"""A context's settings about its trace store, without that prefix."""
NAME_A_STORE: Final = (
    "name a trace store in the context: eventops.jaeger or eventops.tempo; or for one command, -X eventops.jaeger=URL"
)


def with_trace_store(settings: Mapping[str, Any], named: Mapping[str, str]) -> Mapping[str, Any]:
    """The settings with the trace store that options name. Where they name one, nothing of the context's own store is
    kept: its token never travels to another's.

    >>> with_trace_store({"jaeger": "http://a", "traces-token": "env:A", "colour": "red"}, {"eventops.tempo": "http://b"})
    {'colour': 'red', 'tempo': 'http://b'}

    Raises:
        ConfigurationError: it is no setting of a trace store.
    """
    told = {key.removeprefix(OURS): value for key, value in named.items()}
    if unknown := [name for name in told if name not in TRACE_STORE]:
        raise ConfigurationError(
            f"-X {OURS}{unknown[0]} isn't known: of eventops' own settings it takes "
            + ", ".join(OURS + name for name in TRACE_STORE)
        )
    is_another = "jaeger" in told or "tempo" in told
    kept = {name: value for name, value in settings.items() if not (is_another and name in TRACE_STORE)}
    return {**kept, **told}
