"""The wiring: two topics in, mails out, news of them to a third topic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from eventops.events import Envelope
from reference_services.kit.http import web_app
from reference_services.kit.runner import Runner
from reference_services.kit.service import Parts, Resources
from reference_services.notifications.handlers import MAILS, SERVICE, mail_for, mail_sent
from reference_services.notifications.mailer import Mailer, is_final
from reference_services.notifications.store import TOPIC, NotificationStore

__all__ = ["SERVICE", "wire"]

GROUP = "notification-group"
READS = ("user-events", "order-events")


def wire(resources: Resources) -> Parts:
    """The service's parts."""
    settings = resources.settings
    store = NotificationStore(resources.engine, settings.group(GROUP), settings.topic(TOPIC))
    tell = notifier(store, Mailer(settings.smtp_host, settings.smtp_port, resources.tracing))
    runner = Runner(
        settings,
        GROUP,
        READS,
        dict.fromkeys(MAILS, tell),
        resources.tracing,
        replace(settings.retry, permanent=is_final),
    )
    return Parts(web_app(SERVICE, resources.tracing), publishes=[TOPIC], runners=[runner])


def notifier(store: NotificationStore, mailer: Mailer) -> Callable[[Envelope], None]:
    """Tell of each event once.

    A mail can't be taken back, so it isn't part of the transaction that remembers it. Killed between the two, the
    service sends the mail once more at its next start, under the same Message-ID.
    """

    def tell(event: Envelope) -> None:
        mail = mail_for(event)
        if mail is None or store.was_told(event):
            return
        mailer.send(mail)
        now = datetime.now(UTC)
        store.told(event, mail_sent(event, mail, now), now)

    return tell
