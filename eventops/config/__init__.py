"""Contexts and settings: which cluster, with which properties, read once and typed.

A context is a table in ``contexts.toml`` in the platform's configuration directory; ``EVENTOPS_CONFIG`` names another
file::

    current = "prod"

    [contexts.prod]
    "bootstrap.servers" = "kafka-1:9093,kafka-2:9093"
    "security.protocol" = "SASL_SSL"
    "sasl.password" = "env:KAFKA_PASSWORD"      # or file:/run/secrets/kafka, or keyring:service/user
    "eventops.read-only" = true
    "eventops.colour" = "red"
    "eventops.jaeger" = "http://jaeger:16686"    # or eventops.tempo; eventops.traces-token, -tenant, -link beside it
    "eventops.ids.correlation" = ["/meta/requestId", "header:X-Request"]   # beside event, causation, type, source

What a context says of its dead letters (``eventops.dlq``) is described in ``docs/reference/dead-letters.md``.
Every key is a librdkafka property, except those that begin with ``eventops.``. Over the file stand, in this order,
``EVENTOPS_BOOTSTRAP_SERVERS`` and ``EVENTOPS_X`` (``property=value``, comma separated), then ``-b`` and ``-X``, which
may name a trace store, too.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from eventops.config.file import open_document, replace_values, write_whole
from eventops.config.secrets import ConfigurationError, hidden, with_secrets
from eventops.config.trace_store import NAME_A_STORE, OURS, TRACE_STORE, with_trace_store

__all__ = [
    "BOOTSTRAP",
    "NAME_A_STORE",
    "TRACE_STORE",
    "ConfigurationError",
    "Context",
    "Contexts",
    "change_setting",
    "contexts_path",
    "data_home",
    "load_contexts",
    "remove_context",
    "resolve",
    "save_context",
    "state_home",
    "use_context",
    "with_secrets",
]

BOOTSTRAP: Final = "bootstrap.servers"


@dataclass(frozen=True, slots=True)
class Context:
    """One cluster and how to reach it.

    ``properties`` are librdkafka's, secrets still by reference; ``settings`` are eventops' own, without their prefix.
    """

    name: str
    properties: Mapping[str, str]
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def bootstrap_servers(self) -> str | None:
        """``host:port[,host:port]``; None where the context doesn't say."""
        return self.properties.get(BOOTSTRAP)

    @property
    def read_only(self) -> bool:
        """True: whatever writes to the cluster is refused."""
        return bool(self.settings.get("read-only", False))

    @property
    def colour(self) -> str | None:
        """The colour the faces show it in, so that production looks like production."""
        value = self.settings.get("colour")
        return value if isinstance(value, str) else None

    def literal_secrets(self) -> list[str]:
        """Properties that hold a secret itself instead of a reference to it."""
        return [key for key, value in self.properties.items() if hidden(key, value) != value]

    def shown(self) -> dict[str, str]:
        """The properties as they may be printed: references stay, a literal secret is hidden.

        >>> Context("p", {"sasl.password": "hunter2", "ssl.key.password": "env:KEY"}).shown()
        {'sasl.password': '********', 'ssl.key.password': 'env:KEY'}
        """
        return {key: hidden(key, value) for key, value in self.properties.items()}


@dataclass(frozen=True, slots=True)
class Contexts:
    """What the file holds; ``current`` may name a context that is gone."""

    path: Path
    current: str | None = None
    by_name: Mapping[str, Context] = field(default_factory=dict)


def contexts_path(environ: Mapping[str, str] = os.environ) -> Path:
    """``EVENTOPS_CONFIG``, else ``contexts.toml`` under ``EVENTOPS_HOME``, else under the platform's own."""
    if named := environ.get("EVENTOPS_CONFIG"):
        return Path(named).expanduser()
    if home := environ.get("EVENTOPS_HOME"):
        return Path(home).expanduser() / "contexts.toml"
    import platformdirs

    return Path(platformdirs.user_config_dir("eventops", appauthor=False)) / "contexts.toml"


def data_home(environ: Mapping[str, str] = os.environ) -> Path:
    """``EVENTOPS_HOME``, else the platform's data directory: where the local Kafka and the demo keep their state."""
    if home := environ.get("EVENTOPS_HOME"):
        return Path(home).expanduser()
    import platformdirs

    return Path(platformdirs.user_data_dir("eventops", appauthor=False))


def state_home(environ: Mapping[str, str] = os.environ) -> Path:
    """``EVENTOPS_HOME``, else the platform's directory for what a program remembers between two runs."""
    if home := environ.get("EVENTOPS_HOME"):
        return Path(home).expanduser()
    import platformdirs

    return Path(platformdirs.user_state_dir("eventops", appauthor=False))


def load_contexts(path: Path) -> Contexts:
    """Read the file; one that isn't there holds nothing.

    Raises:
        ConfigurationError: it can't be read, isn't TOML, or a value isn't text, a number or a truth value.
    """
    import tomllib

    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Contexts(path)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path} can't be read ({error}): correct it or name another with EVENTOPS_CONFIG"
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path} isn't valid TOML ({error}): correct it or move it away") from error
    tables = document.get("contexts", {})
    if not isinstance(tables, dict):
        raise ConfigurationError(f"{path}: `contexts` must hold tables, as in [contexts.prod]")
    current = document.get("current")
    by_name = {name: _context(path, name, table) for name, table in tables.items()}
    return Contexts(path, current if isinstance(current, str) else None, by_name)


def save_context(path: Path, context: Context, *, use: bool) -> None:
    """Write one context into the file, keeping the rest and its comments; the file appears whole or not at all.

    Raises:
        ConfigurationError: the file can't be read or written.
    """
    import tomlkit

    document = open_document(path)
    contexts = document.setdefault("contexts", tomlkit.table(is_super_table=True))
    table = tomlkit.table()
    for key, value in context.properties.items():
        table[key] = value
    for key, value in context.settings.items():
        table[OURS + key] = value
    contexts[context.name] = table
    if use:
        document["current"] = context.name
    write_whole(path, document)


def change_setting(
    path: Path, context: str, key: str, change: Callable[[Mapping[str, Any]], Mapping[str, Any]]
) -> None:
    """Have a context's table ``eventops.KEY`` be what ``change`` makes of it. What stays as it was keeps its place
    and its comments.

    Raises:
        ConfigurationError: the file has no such context, ``change`` refuses, or the file can't be read or written.
    """
    known = load_contexts(path)
    if context not in known.by_name:
        raise ConfigurationError(
            f"{context} is no context of {path}, and has nothing where this could be kept: "
            "add one with `eventops context add`"
        )
    before = known.by_name[context].settings.get(key, {})
    after = change(before)
    document = open_document(path)
    replace_values(document["contexts"][context], OURS + key, before, after)
    write_whole(path, document)


def use_context(path: Path, name: str) -> None:
    """Make a context the current one.

    Raises:
        ConfigurationError: there is none of that name, or the file can't be written.
    """
    known = load_contexts(path)
    if name not in known.by_name:
        raise ConfigurationError(f"there is no context {name!r}: {_known(known)}")
    document = open_document(path)
    document["current"] = name
    write_whole(path, document)


def remove_context(path: Path, name: str) -> None:
    """Take a context out of the file, and its claim to be the current one; nothing happens where there is none."""
    document = open_document(path)
    contexts = document.get("contexts", {})
    if name not in contexts:
        return
    del contexts[name]
    if document.get("current") == name:
        del document["current"]
    write_whole(path, document)


def resolve(
    contexts: Contexts,
    *,
    name: str | None = None,
    bootstrap: str | None = None,
    properties: Sequence[str] = (),
    environ: Mapping[str, str] = os.environ,
) -> Context:
    """The context a command works on: the file's, with the environment and the options over it.

    Without a name, ``-b`` (or its environment variable) means a cluster that no context describes: nothing is taken
    from the current one, so that its credentials never travel to another's servers.

    Raises:
        ConfigurationError: no such context, no bootstrap servers, or a property that isn't ``name=value``.
    """
    name = name or environ.get("EVENTOPS_CONTEXT") or None
    bootstrap = bootstrap or environ.get("EVENTOPS_BOOTSTRAP_SERVERS") or None
    extra = [*_split(environ.get("EVENTOPS_X", "")), *properties]
    base = _named(contexts, name, bootstrap)
    named = dict(_property(text) for text in extra)
    settings = with_trace_store(base.settings, {key: named.pop(key) for key in list(named) if key.startswith(OURS)})
    merged = {**base.properties, **named}
    if bootstrap:
        merged[BOOTSTRAP] = bootstrap
    if not merged.get(BOOTSTRAP):
        raise ConfigurationError(
            "no cluster is configured: name one with -b HOST:PORT, add a context with `eventops context add`, "
            "or start a local Kafka with `eventops local up`"
        )
    return Context(base.name, merged, settings)


def _named(contexts: Contexts, name: str | None, bootstrap: str | None) -> Context:
    if name is None and bootstrap is not None:
        return Context(bootstrap, {})
    wanted = name or contexts.current
    if wanted is None:
        return Context("default", {})
    if wanted not in contexts.by_name:
        raise ConfigurationError(f"there is no context {wanted!r}: {_known(contexts)}")
    return contexts.by_name[wanted]


def _known(contexts: Contexts) -> str:
    if not contexts.by_name:
        return f"{contexts.path} holds none; add one with `eventops context add`, or use `eventops local up`"
    return "choose one of " + ", ".join(sorted(contexts.by_name))


def _context(path: Path, name: str, table: object) -> Context:
    if not isinstance(table, dict):
        raise ConfigurationError(f"{path}: contexts.{name} must be a table")
    properties: dict[str, str] = {}
    settings: dict[str, Any] = {}
    for key, value in table.items():
        if key.startswith(OURS):
            settings[key.removeprefix(OURS)] = value
        elif isinstance(value, bool):
            properties[key] = str(value).lower()
        elif isinstance(value, str | int | float):
            properties[key] = str(value)
        else:
            raise ConfigurationError(
                f'{path}: contexts.{name}.{key} must be text; quote names with dots, as in "{BOOTSTRAP}"'
            )
    return Context(name, properties, settings)


def _split(text: str) -> list[str]:
    return [part for part in text.split(",") if part.strip()]


def _property(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator or not key.strip():
        raise ConfigurationError(f"{text!r} is not property=value: write it as in -X security.protocol=SSL")
    return key.strip(), value.strip()
