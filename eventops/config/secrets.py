"""Secrets stand in the file by reference: ``env:NAME``, ``file:PATH`` or ``keyring:service/user``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_REFERENCES: Final = ("env", "file", "keyring")
_SECRET_WORDS: Final = ("password", "secret", "token", "ssl.key.pem", "sasl.oauthbearer.config")


class ConfigurationError(ValueError):
    """The configuration can't be read or doesn't say enough; the message names the remedy."""


def hidden(key: str, value: str) -> str:
    """A value as it may be printed: a reference as it is, a literal secret not at all."""
    if value.partition(":")[0] in _REFERENCES:
        return value
    return "********" if any(word in key for word in _SECRET_WORDS) else value


def with_secrets(properties: Mapping[str, str], environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Properties with ``env:``, ``file:`` and ``keyring:service/user`` replaced by what they refer to.

    Raises:
        ConfigurationError: a reference leads nowhere; its value is never in the message.
    """
    return {key: _secret(key, value, environ) for key, value in properties.items()}


def _secret(key: str, value: str, environ: Mapping[str, str]) -> str:
    kind, separator, rest = value.partition(":")
    if not separator or kind not in _REFERENCES:
        return value
    if kind == "env":
        if rest not in environ:
            raise ConfigurationError(f"{key} refers to the environment variable {rest}, which isn't set: set it")
        return environ[rest]
    if kind == "file":
        try:
            return Path(rest).expanduser().read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{key} refers to the file {rest}, which can't be read: {error}") from error
    return _from_keyring(key, rest)


def _from_keyring(key: str, reference: str) -> str:
    try:
        import keyring
    except ImportError as error:
        raise ConfigurationError(f"{key} refers to the keyring: install eventops[keyring]") from error
    service, _, user = reference.partition("/")
    try:
        found = keyring.get_password(service, user)
    except keyring.errors.KeyringError as error:
        raise ConfigurationError(f"{key} refers to the keyring, which doesn't answer: {error}") from error
    if found is None:
        raise ConfigurationError(f"{key} refers to keyring:{reference}, which the keyring doesn't hold: add it")
    return str(found)
