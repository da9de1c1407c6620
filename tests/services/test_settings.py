"""What the environment may say, and what it is told when it says something else."""

from __future__ import annotations

import pytest

from reference_services.kit.settings import InvalidSetting, Settings, read_settings


def test_an_empty_environment_suits_one_machine() -> None:
    settings = read_settings("user-service", {})
    assert settings.kafka == {"bootstrap.servers": "127.0.0.1:9092"}
    assert settings.database_url == "sqlite:///user-service.db"
    assert (settings.http_host, settings.http_port) == ("127.0.0.1", 0)
    assert settings.topic("user-events") == "user-events"
    assert settings.handling_delay("order-group") == 0


def test_everything_can_be_said() -> None:
    environ = {
        "KAFKA_BOOTSTRAP_SERVERS": "a:1,b:2",
        "KAFKA_CLIENT": "security.protocol=SSL, ssl.ca.location=/etc/ca.pem",
        "TOPIC_PREFIX": "x-",
        "GROUP_PREFIX": "y-",
        "HANDLING_DELAY_SECONDS": "loyalty-group=0.5",
        "RETRY_ATTEMPTS": "2",
        "LOG_FORMAT": "json",
    }
    settings: Settings = read_settings("order-service", environ)
    assert settings.kafka["security.protocol"] == "SSL"
    assert settings.kafka["ssl.ca.location"] == "/etc/ca.pem"
    assert (settings.topic("t"), settings.group("g")) == ("x-t", "y-g")
    assert (settings.handling_delay("loyalty-group"), settings.handling_delay("order-group")) == (0.5, 0.0)
    assert settings.retry.attempts == 2


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("HTTP_PORT", "http", "HTTP_PORT must be a number"),
        ("HTTP_PORT", "70000", "HTTP_PORT must be a port"),
        ("SMTP_PORT", "-1", "SMTP_PORT must be a number of at least 0"),
        ("KAFKA_CLIENT", "security.protocol", "KAFKA_CLIENT must be a list of property=value"),
        ("RETRY_ATTEMPTS", "0", "must be at least 1"),
        ("RETRY_ATTEMPTS", "500", "stay below 20 s"),
        ("RETRY_BASE_SECONDS", "nan", "RETRY_BASE_SECONDS must be a number"),
        ("HANDLING_DELAY_SECONDS", "order-group=soon", "HANDLING_DELAY_SECONDS must be a number"),
        ("HANDLING_DELAY_SECONDS", "600", "must be at most 20"),
        ("LOG_FORMAT", "xml", "LOG_FORMAT must be one of text, json"),
    ],
)
def test_what_cannot_be_used_is_named(name: str, value: str, words: str) -> None:
    with pytest.raises(InvalidSetting, match=words):
        read_settings("s", {name: value})
