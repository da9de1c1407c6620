"""When to try again."""

from __future__ import annotations

import smtplib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventops.events import MalformedEvent
from reference_services.kit.retry import GiveUp, PermanentError, Retry, RetryPolicy, decide
from reference_services.notifications.mailer import is_final

POLICY = RetryPolicy(attempts=4, base_seconds=0.5, cap_seconds=1.5)

policies = st.builds(
    RetryPolicy,
    attempts=st.integers(1, 50),
    base_seconds=st.floats(0, 100),
    cap_seconds=st.floats(0, 1000),
)


@pytest.mark.parametrize(
    ("attempt", "error", "expected", "why"),
    [
        (1, ConnectionRefusedError(), Retry(0.5), "the first wait is at most the base"),
        (2, ConnectionRefusedError(), Retry(1.0), "the second at most twice that"),
        (3, ConnectionRefusedError(), Retry(1.5), "the third would be 2.0: the cap holds"),
        (4, ConnectionRefusedError(), GiveUp("4 attempts failed"), "every attempt counts, the first too"),
        (1, MalformedEvent("no id"), GiveUp("it would fail again"), "bytes don't heal"),
        (1, PermanentError("no"), GiveUp("it would fail again"), "the handler says so"),
        (1, KeyError("email"), GiveUp("it would fail again"), "a fault in the code or the data"),
        (1, TimeoutError(), Retry(0.5), "a timeout may pass"),
    ],
)
def test_decisions(attempt: int, error: Exception, expected: Retry | GiveUp, why: str) -> None:
    assert decide(attempt, error, POLICY) == expected, why


@pytest.mark.parametrize(
    ("error", "final"),
    [
        (smtplib.SMTPRecipientsRefused({"a@b": (550, b"no such user")}), True),
        (smtplib.SMTPRecipientsRefused({"a@b": (450, b"busy")}), False),
        (smtplib.SMTPRecipientsRefused({"a@b": (550, b"no"), "c@d": (450, b"busy")}), False),
        (smtplib.SMTPDataError(554, b"spam"), True),
        (smtplib.SMTPDataError(452, b"disk full"), False),
        (smtplib.SMTPServerDisconnected("gone"), False),
        (smtplib.SMTPNotSupportedError("no SMTPUTF8"), True),
        (ConnectionRefusedError(111, "refused"), False),
        (TimeoutError(), False),
        (MalformedEvent("no address"), True),
    ],
    ids=repr,
)
def test_what_a_mail_server_says_for_good(error: Exception, final: bool) -> None:
    assert is_final(error) is final


@given(policies, st.integers(1, 10_000))
def test_no_wait_is_longer_than_the_cap_or_shorter_than_the_one_before(policy: RetryPolicy, attempt: int) -> None:
    assert 0 <= policy.ceiling(attempt) <= policy.cap_seconds
    assert policy.ceiling(attempt) <= policy.ceiling(attempt + 1)


@given(policies)
def test_a_record_that_always_fails_gets_exactly_its_attempts(policy: RetryPolicy) -> None:
    waits = 0.0
    attempt = 1
    while isinstance(decision := decide(attempt, TimeoutError(), policy), Retry):
        waits += decision.ceiling_seconds
        attempt += 1
    assert attempt == policy.attempts
    assert waits == pytest.approx(policy.longest_wait())
