"""The file itself: read and written with its comments."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eventops.config.secrets import ConfigurationError


def open_document(path: Path) -> Any:
    """What the file holds, comments and all; a file that isn't there holds nothing.

    Raises:
        ConfigurationError: it can't be read, or isn't TOML.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        return tomlkit.parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return tomlkit.document()
    except (OSError, UnicodeDecodeError, TOMLKitError) as error:
        raise ConfigurationError(f"{path} can't be read ({error}): correct it or move it away") from error


def replace_values(table: Any, name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Have ``table[name]`` hold ``after`` instead of ``before``, touching only what differs."""
    import tomlkit

    if name not in table:
        table[name] = tomlkit.table()
    for key in before.keys() - after.keys():
        del table[name][key]
    for key, value in after.items():
        if before.get(key) != value:
            table[name][key] = _item(value)


def write_whole(path: Path, document: Any) -> None:
    """The file appears whole or not at all.

    Raises:
        ConfigurationError: it can't be written.
    """
    import tomlkit

    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text(tomlkit.dumps(document), encoding="utf-8")
        aside.chmod(0o600)
        aside.replace(path)
    except OSError as error:
        raise ConfigurationError(
            f"{path} can't be written ({error.strerror}): name another with EVENTOPS_CONFIG"
        ) from error
    finally:
        aside.unlink(missing_ok=True)


def _item(value: Any) -> Any:
    """A list of tables is written as such, a table as one line."""
    import tomlkit

    if isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value):
        tables = tomlkit.aot()
        for one in value:
            tables.append(tomlkit.item(dict(one)))
        return tables
    if isinstance(value, Mapping):
        line = tomlkit.inline_table()
        line.update(value)
        return line
    return tomlkit.item(value)
