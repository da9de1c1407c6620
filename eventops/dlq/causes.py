"""Why letters failed, so that what failed alike stands together: the root cause, the first frame of our own code,
and the message without what differs from letter to letter. Pure; each table's row says why it is there."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

from eventops.dlq.failure import UNKNOWN_CAUSE, Cause, Failure

PATTERN_CHARACTERS: Final = 240
"""The longest normalised message; what follows seldom tells causes apart."""
READ_CHARACTERS: Final = 1_000

MESSAGE_RULES: Final[tuple[tuple[str, str, str], ...]] = (
    ("json", r"[{]\"[^{}]*(?:[{][^{}]*[}][^{}]*)*[}]?", "a payload that the message quotes"),
    ("address", r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+", "a mail address is somebody's, not the failure's"),
    ("id", r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b", "a UUID names one thing"),
    ("time", r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?", "ISO 8601: when"),
    ("time", r"\b\d\d:\d\d:\d\d(?:[.,]\d+)?\b", "a time of day"),
    ("address", r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b", "IPv4, with or without a port: where"),
    ("address", r"\b(?:[0-9a-fA-F]{1,4}:){3,7}(?::?[0-9a-fA-F]{1,4})+\b", "IPv6: where"),
    ("id", r"\b0x[0-9a-fA-F]+\b", "a pointer or an id in hexadecimal"),
    ("id", r"@[0-9a-fA-F]{4,16}\b", "Java's identity hash after a class's name"),
    ("id", r"\b(?=[0-9a-fA-F]*\d)(?=[0-9a-fA-F]*[a-fA-F])[0-9a-fA-F]{8,}\b", "a hash, a trace id"),
    ("n", r"(?:(?<!\w)-)?\d+(?:[.,]\d+)*", "any number: counts, keys, ports, offsets"),
)
"""What is taken out of a message: the word put in its place, what it looks like, and why. The first that fits wins."""

FRAMEWORKS: Final[tuple[tuple[str, str], ...]] = (
    ("java.", "the JDK"),
    ("javax.", "the JDK's extensions"),
    ("jakarta.", "Jakarta EE"),
    ("jdk.", "the JDK's insides: reflection, proxies"),
    ("sun.", "the JDK's insides"),
    ("com.sun.", "the JDK's insides"),
    ("kotlin.", "Kotlin's library"),
    ("kotlinx.", "Kotlin's coroutines"),
    ("scala.", "Scala's library"),
    ("groovy.", "Groovy's library"),
    ("org.apache.", "Kafka, Camel, Avro, Tomcat, HTTP clients and more"),
    ("org.springframework.", "Spring"),
    ("io.smallrye.", "SmallRye"),
    ("io.quarkus.", "Quarkus"),
    ("io.micronaut.", "Micronaut"),
    ("io.vertx.", "Vert.x"),
    ("io.netty.", "Netty"),
    ("io.micrometer.", "metrics"),
    ("io.opentelemetry.", "tracing"),
    ("io.confluent.", "Confluent's serialisers"),
    ("reactor.", "Reactor"),
    ("rx.", "RxJava"),
    ("com.fasterxml.", "Jackson"),
    ("tools.jackson.", "Jackson 3"),
    ("com.google.", "Guava, Gson, Protocol Buffers"),
    ("org.hibernate.", "Hibernate"),
    ("org.postgresql.", "a database driver"),
    ("com.mysql.", "a database driver"),
    ("com.zaxxer.", "a connection pool"),
    ("org.jboss.", "JBoss"),
    ("org.eclipse.", "Jetty and others"),
    ("org.slf4j.", "logging"),
    ("ch.qos.", "logging"),
    ("net.bytebuddy.", "generated classes"),
    ("System.", ".NET's library"),
    ("Microsoft.", ".NET's library"),
    ("MassTransit.", "MassTransit"),
    ("NServiceBus.", "NServiceBus"),
    ("Confluent.", "Confluent's client for .NET"),
)
"""Prefixes of classes that aren't our own code, and whose they are."""

FRAMEWORK_PATHS: Final[tuple[tuple[str, str], ...]] = (
    ("/site-packages/", "Python packages"),
    ("/dist-packages/", "Debian's Python packages"),
    ("/lib/python", "Python's library"),
    ("<frozen ", "Python's import machinery"),
    ("/node_modules/", "npm packages"),
    ("node:", "Node's library"),
)
"""Parts of file names that aren't our own code."""

_JAVA_FRAME: Final = re.compile(r"^[ \t]+at (?:[\w.@-]*/)*([\w.$<>]+)\(", re.MULTILINE)
_PYTHON_FRAME: Final = re.compile(r'^[ \t]*File "([^"\n]{1,500})", line \d+, in (\S+)', re.MULTILINE)
_JS_FRAME: Final = re.compile(
    r"^[ \t]+at (?:(?:async )?([^\s(]{1,200}) \()?(?:file://)?([^\s()]{1,500}):\d+:\d+\)?$", re.MULTILINE
)
CAUSED_BY: Final = "\nCaused by: "
DOTNET_INNER: Final = " ---> "
_CLASS: Final = re.compile(r"[A-Za-z_][\w.$]{0,500}")
_PYTHON_CHAIN: Final = re.compile(r"\n\n(?:The above exception was|During handling of the above)[^\n]*\n\n")
_WHITE: Final = re.compile(r"\s+")


@dataclass(frozen=True)
class Causes:
    """How causes are told apart: ``own`` are prefixes of classes or parts of paths that are our own code (empty:
    whatever is no framework's), ``more`` a context's own message rules (pattern, replacement), applied before the
    table."""

    own: tuple[str, ...] = ()
    more: tuple[tuple[re.Pattern[str], str], ...] = ()

    def cause(self, failure: Failure) -> Cause:
        """What a failure is grouped by."""
        kind, said = root(failure)
        pattern = self.normalised(said) if said else None
        return Cause(kind or pattern or UNKNOWN_CAUSE, self.frame(failure.stack), pattern)

    def frame(self, stack: str | None) -> str | None:
        """The first frame of our own code: the innermost in the root cause, else in what it was wrapped into, Java's
        where there are several languages'. Line numbers are left out, for they change with every release.

        >>> Causes().frame("a.X: m\\n\\tat java.util.Map.of(Map.java:1)\\n\\tat com.acme.Cart.add(Cart.java:7)")
        'com.acme.Cart.add'
        >>> Causes().frame('Traceback\\n  File "/app/acme/cart.py", line 7, in add\\n    x()\\nKeyError: 1')
        'acme/cart.py:add'
        """
        if not stack:
            return None
        end = len(stack)
        while end > 0:  # the root cause is the last section
            start = max(stack.rfind(CAUSED_BY, 0, end), 0)
            first = stack.find("\n", start + 1, end)
            if first >= 0 and (found := self.first_own(stack[first:end])):
                return found
            end = start
        if 'File "' in stack:
            return self._python_frame(stack)
        return self._script_frame(stack) if ".js:" in stack or ".ts:" in stack or ".mjs:" in stack else None

    def normalised(self, message: str) -> str:
        """The message without ids, numbers, addresses and times; doing it again changes nothing.

        >>> Causes().normalised("order 4711 of ada@example.org not found at 2026-01-15T10:30:00Z (10.0.0.1:9092)")
        'order <n> of <address> not found at <time> (<address>)'
        """
        text = _WHITE.sub(" ", message[:READ_CHARACTERS]).strip()
        for pattern, replacement in self.more:
            text = pattern.sub(replacement, text)
        return _normalised(text.translate(ONE_DIGIT))

    @cached_property
    def _own_java(self) -> re.Pattern[str]:
        prefix = r"^[ \t]+at (?:[\w.@-]*/)*"
        if self.own:
            return re.compile(rf"{prefix}((?:{'|'.join(map(re.escape, self.own))})[\w.$<>]*)\(", re.MULTILINE)
        return re.compile(rf"{prefix}((?!{_FRAMEWORK})[\w$]+(?:\.[\w$<>]+)+)\(", re.MULTILINE)

    @cached_property
    def first_own(self) -> Callable[[str], str | None]:
        """The first own frame of a section; a cause's letters have the same sections, apart from the first line."""

        def first_own(section: str) -> str | None:
            found = self._own_java.search(section)
            return _GENERATED.sub("", found[1]) if found else None

        return lru_cache(maxsize=512)(first_own)

    def _python_frame(self, stack: str) -> str | None:
        """Frames go inwards, and the root cause is the first traceback."""
        for part in _PYTHON_CHAIN.split(stack):
            for path, function in reversed(_PYTHON_FRAME.findall(part)):
                if self._is_own_path(path):
                    return f"{_short_path(path)}:{function}"
        return None

    def _script_frame(self, stack: str) -> str | None:
        for function, path in _JS_FRAME.findall(stack):
            if self._is_own_path(path):
                return f"{_short_path(path)}:{function}" if function else _short_path(path)
        return None

    def _is_own_path(self, path: str) -> bool:
        if self.own:
            return any(part in path for part in self.own)
        return not any(part in path for part, _why in FRAMEWORK_PATHS)


def root(failure: Failure) -> tuple[str | None, str | None]:
    """Class and message of the root cause: the class that the framework names as the cause, else the last one in
    the stack trace, else the wrapper.

    >>> root(Failure("a.W", None, "failed", "a.W: failed\\n\\tat x.Y(Y.java)\\nCaused by: b.Root: no stock\\n"))
    ('b.Root', 'no stock')
    >>> root(Failure("a.Wrapper", "b.Root", "no stock")), root(Failure(message="rejected"))
    (('b.Root', 'no stock'), (None, 'rejected'))
    """
    return root_of(failure, *_innermost(failure.stack))


def root_of(failure: Failure, kind: str | None, said: str | None) -> tuple[str | None, str | None]:
    """The same, where class and message of the innermost exception of its stack trace are known."""
    if failure.cause_class is not None:
        same = kind is not None and kind.rpartition(".")[2] == failure.cause_class.rpartition(".")[2]
        return failure.cause_class, (said or failure.message) if same else failure.message
    if kind is not None:
        return kind, said or failure.message
    return failure.exception_class, failure.message


def _innermost(stack: str | None) -> tuple[str | None, str | None]:
    """Class and message of the last ``Caused by`` of a Java trace, or the innermost exception of a .NET one."""
    if not stack:
        return None, None
    start = stack.rfind(CAUSED_BY)
    if start >= 0:
        start += len(CAUSED_BY)
    elif (inner := stack.rfind(DOTNET_INNER, 0, READ_CHARACTERS * 4)) >= 0:
        start = inner + len(DOTNET_INNER)
    else:
        return None, None
    end = stack.find("\n", start)
    return class_and_message(stack[start : end if end >= 0 else start + READ_CHARACTERS])


def class_and_message(line: str) -> tuple[str | None, str | None]:
    """What a line of a stack trace says of an exception.

    >>> class_and_message("java.io.IOException: no route"), class_and_message("KeyError"), class_and_message("no class")
    (('java.io.IOException', 'no route'), ('KeyError', None), (None, None))
    """
    kind, _, said = line.strip().partition(": ")
    return (kind, said.strip() or None) if _CLASS.fullmatch(kind) else (None, None)


@lru_cache(maxsize=8192)
def cause_id(cause: Cause) -> str:
    """Ten characters that name a cause on a command line; the same in every run."""
    told = "\0".join((cause.kind, cause.frame or "", cause.pattern or ""))
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:10]


def folded(stack: str, own: Sequence[str] = ()) -> str:
    """A stack trace with its framework frames folded: what is left are exceptions and our own code.

    >>> print(folded("a.X: m\\n\\tat java.A.b(A)\\n\\tat org.apache.C.d(C)\\n\\tat com.acme.Cart.add(C.java:7)"))
    a.X: m
        ... 2 frames of java, org.apache
        at com.acme.Cart.add(C.java:7)
    """
    lines: list[str] = []
    hidden: list[str] = []
    for line in stack.split("\n"):
        found = _JAVA_FRAME.match(line)
        if found and not _is_own_class(found[1], own):
            hidden.append(found[1])
            continue
        if hidden:
            lines.append(_fold(hidden))
            hidden = []
        lines.append(line.replace("\t", "    "))
    if hidden:
        lines.append(_fold(hidden))
    return "\n".join(lines)


def _fold(hidden: Sequence[str]) -> str:
    owners = dict.fromkeys(_owner(name) for name in hidden)
    shown = ", ".join(list(owners)[:4]) + (", ..." if len(owners) > 4 else "")
    return f"    ... {len(hidden)} frame{'s' if len(hidden) > 1 else ''} of {shown}"


def _owner(name: str) -> str:
    return next((prefix.rstrip(".") for prefix, _why in FRAMEWORKS if name.startswith(prefix)), name.rpartition(".")[0])


def _is_own_class(name: str, own: Sequence[str]) -> bool:
    if own:
        return name.startswith(tuple(own))
    return not name.startswith(_PREFIXES)


@lru_cache(maxsize=4096)
def _normalised(shape: str) -> str:
    """The rules take every digit for the same, so that messages which differ in digits alone are one.

    They are asked until nothing is left for them: what stands before a placeholder ends there, and may fit only now.
    """
    left = _RULES.sub(_placeholder, shape)[:PATTERN_CHARACTERS].rstrip()
    return left if left == shape else _normalised(left)


def _short_path(path: str) -> str:
    return "/".join(path.replace("\\", "/").split("/")[-2:])


def _placeholder(match: re.Match[str]) -> str:
    return _WORDS[match.lastindex or 0]


_PREFIXES: Final = tuple(prefix for prefix, _why in FRAMEWORKS)
_FRAMEWORK: Final = "|".join(re.escape(prefix) for prefix in _PREFIXES)
_RULES: Final = re.compile("|".join(f"({looks})" for _word, looks, _why in MESSAGE_RULES))
_WORDS: Final = ("", *(f"<{word}>" for word, _looks, _why in MESSAGE_RULES))
ONE_DIGIT: Final = str.maketrans("123456789", "000000000")
_GENERATED: Final = re.compile(
    r"\$\$(?:SpringCGLIB|EnhancerBySpringCGLIB|FastClass|Lambda)\$?\$?[\w/]*|\$\$?Lambda[\w/$]*"
)
