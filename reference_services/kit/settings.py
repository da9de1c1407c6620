"""What the environment says, read once and frozen. Only telemetry's own variables are read elsewhere: ``OTEL_*`` by
OpenTelemetry and :mod:`.export`, ``EVENTOPS_TRACE_*`` by :mod:`.tracing`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reference_services.kit.retry import RetryPolicy

MAX_POLL_INTERVAL_SECONDS = 300.0
"""How long Kafka lets a consumer think about one record before its partitions go to another."""
LONGEST_WAIT_SECONDS = MAX_POLL_INTERVAL_SECONDS / 15
"""The most that retries, or a declared delay before an attempt, may add to it: with five attempts, still far below."""


class InvalidSetting(ValueError):
    """A variable of the environment can't be used; the message names it and what it should be."""


@dataclass(frozen=True, slots=True)
class Settings:
    """One service's configuration.

    ``kafka`` holds librdkafka properties; prefixes stand before every topic's or group's name. ``http_port`` 0 takes
    any free one. ``handling_delays`` maps a group's plain name (or "*") to seconds waited before each record is
    handled: a declared way to make a consumer slow.
    """

    service: str
    kafka: Mapping[str, str]
    database_url: str
    http_host: str = "127.0.0.1"
    http_port: int = 0
    smtp_host: str = "127.0.0.1"
    smtp_port: int = 1025
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    handling_delays: Mapping[str, float] | None = None
    topic_prefix: str = ""
    group_prefix: str = ""
    log_format: str = "text"

    def topic(self, name: str) -> str:
        """A topic's name on the broker."""
        return self.topic_prefix + name

    def group(self, name: str) -> str:
        """A consumer group's name on the broker."""
        return self.group_prefix + name

    def handling_delay(self, group: str) -> float:
        """Seconds to wait before each record, for a group by its plain name."""
        delays = self.handling_delays or {}
        return delays.get(group, delays.get("*", 0.0))


def read_settings(service: str, environ: Mapping[str, str]) -> Settings:
    """The settings of ``service``, with defaults that suit one machine.

    Raises:
        InvalidSetting: a number isn't one, a list isn't ``property=value``, or retries would outlast the poll interval.
    """
    bootstrap = environ.get("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092")
    return Settings(
        service=service,
        kafka={"bootstrap.servers": bootstrap, **_pairs("KAFKA_CLIENT", environ.get("KAFKA_CLIENT", ""))},
        database_url=environ.get("DATABASE_URL") or f"sqlite:///{service}.db",
        http_host=environ.get("HTTP_HOST", "127.0.0.1"),
        http_port=_port(environ, "HTTP_PORT", 0),
        smtp_host=environ.get("SMTP_HOST", "127.0.0.1"),
        smtp_port=_port(environ, "SMTP_PORT", 1025),
        retry=_retry_policy(environ),
        handling_delays=_delays(environ.get("HANDLING_DELAY_SECONDS", "")),
        topic_prefix=environ.get("TOPIC_PREFIX", ""),
        group_prefix=environ.get("GROUP_PREFIX", ""),
        log_format=_one_of(environ, "LOG_FORMAT", ("text", "json")),
    )


def _retry_policy(environ: Mapping[str, str]) -> RetryPolicy:
    standard = RetryPolicy()
    policy = RetryPolicy(
        attempts=int(_number(environ, "RETRY_ATTEMPTS", standard.attempts)),
        base_seconds=_number(environ, "RETRY_BASE_SECONDS", standard.base_seconds),
        cap_seconds=_number(environ, "RETRY_CAP_SECONDS", standard.cap_seconds),
    )
    if policy.attempts < 1:
        raise InvalidSetting("RETRY_ATTEMPTS counts every attempt, the first too: it must be at least 1")
    if policy.longest_wait() > LONGEST_WAIT_SECONDS:
        raise InvalidSetting(
            f"RETRY_*: up to {policy.longest_wait():.0f} s of waiting would cost the consumer its partitions; "
            f"stay below {LONGEST_WAIT_SECONDS:.0f} s with fewer attempts or a smaller cap"
        )
    return policy


def _delays(text: str) -> dict[str, float]:
    """``0.5`` for every group, or ``loyalty-group=0.5,order-group=0.1``.

    >>> _delays("0.5"), _delays("loyalty-group=2"), _delays("")
    ({'*': 0.5}, {'loyalty-group': 2.0}, {})
    """
    name = "HANDLING_DELAY_SECONDS"
    pairs = {"*": text} if text and "=" not in text else _pairs(name, text)
    delays = {group: _float(name, seconds) for group, seconds in pairs.items()}
    if max(delays.values(), default=0.0) > LONGEST_WAIT_SECONDS:
        raise InvalidSetting(f"{name} must be at most {LONGEST_WAIT_SECONDS:.0f}: longer would cost the partitions")
    return delays


def _pairs(name: str, text: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    if not all(separator and key.strip() for key, separator, _ in pairs):
        raise InvalidSetting(f"{name} must be a list of property=value, separated by commas")
    return {key.strip(): value.strip() for key, _, value in pairs}


def _port(environ: Mapping[str, str], name: str, default: int) -> int:
    number = _number(environ, name, default)
    if number > 65535 or number != int(number):
        raise InvalidSetting(f"{name} must be a port, 0 to 65535")
    return int(number)


def _number(environ: Mapping[str, str], name: str, default: float) -> float:
    text = environ.get(name, "")
    return _float(name, text) if text else default


def _float(name: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise InvalidSetting(f"{name} must be a number, not {text!r}") from None
    if not 0 <= number < float("inf"):
        raise InvalidSetting(f"{name} must be a number of at least 0, not {text!r}")
    return number


def _one_of(environ: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    value = environ.get(name) or choices[0]
    if value not in choices:
        raise InvalidSetting(f"{name} must be one of {', '.join(choices)}, not {value!r}")
    return value
