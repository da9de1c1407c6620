"""What a context says of dead letters, changed: families and rules added and taken away. Pure; what comes out is
checked by :func:`~eventops.dlq.settings.conventions` before it is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from eventops.config import ConfigurationError
from eventops.dlq.settings import KEY, ROLES, conventions

Told = Mapping[str, Any]
"""The table ``eventops.dlq`` of a context."""
LISTS: Final = ("topics", "hidden", "own-code")
"""Rules that are texts."""


def with_family(
    told: Told,
    name: str,
    headers: Mapping[str, str],
    topics: Sequence[str] = (),
    *,
    newest_first: bool = False,
    binary: bool = False,
) -> Told:
    """With a family of that name, which replaces an older one. ``headers`` are by role.

    >>> with_family({}, "acme", {"message": "x-error"})
    {'families': [{'name': 'acme', 'message': 'x-error'}]}

    Raises:
        ConfigurationError: a role that isn't known, or a family that says nothing.
    """
    if unknown := sorted(set(headers) - set(ROLES)):
        raise ConfigurationError(f"{unknown[0]} isn't what a header can say; it can say {', '.join(ROLES)}")
    family: dict[str, Any] = {"name": name}
    family |= {"topics": list(topics)} if topics else {}
    family |= {"order": "newest-first"} if newest_first else {}
    family |= {"numbers": "binary"} if binary else {}
    others = [one for one in told.get("families", []) if one.get("name") != name]
    return checked({**told, "families": [*others, {**family, **headers}]})


def without_family(told: Told, name: str) -> Told:
    """
    Raises:
        ConfigurationError: there is none of that name.
    """
    families = told.get("families", [])
    left = [one for one in families if one.get("name") != name]
    if len(left) == len(families):
        known = ", ".join(str(one.get("name")) for one in families) or "none"
        raise ConfigurationError(f"the context declares no family {name}; it declares {known}")
    return checked({**told, "families": left})


def with_rules(told: Told, texts: Mapping[str, Sequence[str]], groups: Mapping[str, str], messages: Told) -> Told:
    """With more of each; what is there already isn't doubled. ``texts`` by :data:`LISTS`, ``groups`` by topic pattern,
    ``messages`` are replacements by pattern.

    >>> with_rules({"topics": ["a"]}, {"topics": ["a", "b"]}, {"a": "billing"}, {})
    {'topics': ['a', 'b'], 'groups': {'a': 'billing'}}
    """
    found = dict(told)
    for kind, some in texts.items():
        if some:
            found[kind] = list(dict.fromkeys([*told.get(kind, []), *some]))
    if groups:
        found["groups"] = {**told.get("groups", {}), **groups}
    if messages:
        others = [one for one in told.get("messages", []) if one.get("pattern") not in messages]
        found["messages"] = [*others, *({"pattern": one, "replace": word} for one, word in messages.items())]
    return checked(found)


def without_rules(
    told: Told, texts: Mapping[str, Sequence[str]], groups: Sequence[str], messages: Sequence[str]
) -> Told:
    """Without these; groups by topic pattern, messages by pattern.

    >>> without_rules({"topics": ["a", "b"]}, {"topics": ["b"]}, (), ())
    {'topics': ['a']}

    Raises:
        ConfigurationError: one of them isn't there.
    """
    found = dict(told)
    for kind, some in texts.items():
        found[kind] = _left(kind, told.get(kind, []), some)
    kept = _left("groups", list(told.get("groups", {})), groups)
    found["groups"] = {topic: told["groups"][topic] for topic in kept}
    patterns = _left("messages", [one.get("pattern") for one in told.get("messages", [])], messages)
    found["messages"] = [one for one in told.get("messages", []) if one.get("pattern") in patterns]
    return checked({kind: some for kind, some in found.items() if some or kind in told})


def rules_document(told: Told) -> list[dict[str, str]]:
    """Every rule but families, for people and programs.

    >>> rules_document({"own-code": ["com.acme."], "groups": {"a-dlt": "billing"}})
    [{'rule': 'own-code', 'of': 'com.acme.', 'is': ''}, {'rule': 'groups', 'of': 'a-dlt', 'is': 'billing'}]
    """
    found = [(kind, one, "") for kind in LISTS for one in told.get(kind, [])]
    found += [("groups", topic, group) for topic, group in told.get("groups", {}).items()]
    found += [("messages", one["pattern"], one.get("replace", "<it>")) for one in told.get("messages", [])]
    return [{"rule": rule, "of": of, "is": word} for rule, of, word in found]


def checked(told: Told) -> Told:
    """The same.

    Raises:
        ConfigurationError: it makes no sense.
    """
    conventions({KEY: told})
    return told


def _left(kind: str, there: Sequence[str], some: Sequence[str]) -> list[str]:
    if missing := [one for one in some if one not in there]:
        raise ConfigurationError(
            f"{missing[0]} isn't among the context's {kind}: {', '.join(there) or 'there are none'}"
        )
    return [one for one in there if one not in some]
