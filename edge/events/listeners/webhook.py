"""A listener that posts events to an address, in batches, by way of a queue on disk.

Deliveries follow Standard Webhooks (standardwebhooks.com): webhook-id is the same at each try, webhook-timestamp is the
second of the try, and webhook-signature signs both and the body by HMAC-SHA256. At least once, in order: a receiver
that wants each event once leaves out ids that it has seen.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import random
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.errors import BadOption
from edge.events.event_json import as_json
from edge.events.listeners.http_post import NoAnswer, Poster, Reply, checked_url, name_of
from edge.events.listeners.listener import Backlog, ListenerFailed
from edge.frame import Prediction
from edge.stream.smoothing import Changes

if TYPE_CHECKING:
    from edge.events.event import Event
    from edge.events.listeners.spool import Batch, Spool

SECRET_PREFIX = "whsec_"  # noqa: S105 - it marks a secret, and is none
"""What follows it is the key in Base64; a secret without it is the key itself, as UTF-8."""


@dataclass(frozen=True, slots=True)
class Pacing:
    """How many events go out together, and when; times in seconds."""

    batch_events: int = 100
    batch_s: float = 2.0
    """A prediction waits so long for more. Other events go out at once, with what waits."""
    batch_behind_s: float = 20.0
    """The same while earlier ones are not delivered yet: fewer files, and a slow receiver keeps up."""
    same_answer_s: float = 1.0
    """A prediction that says the same as the one before goes out so often at most."""
    timeout_s: float = 5.0
    pause_first_s: float = 0.5
    pause_most_s: float = 60.0
    """Between two tries: doubled from one to the next, and between half and all of it, by chance."""
    close_s: float = 1.5
    """How long it delivers after the last event; the rest waits on the disk for the next start."""


DEFAULT_PACING = Pacing()


def key_of(secret: str) -> bytes:
    """The key that a secret stands for. Raises BadOption."""
    if not secret.startswith(SECRET_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise BadOption(
            f"the webhook's secret begins with {SECRET_PREFIX}, but no Base64 follows",
            "as the receiver shows it, or any other line of text",
        ) from None


def signature(key: bytes, delivery: str, timestamp: int, body: bytes) -> str:
    """The value of webhook-signature."""
    signed = f"{delivery}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


class Webhook:
    """Posts to `url`, signed if there is a key. Events wait in the spool until they are delivered."""

    name = "webhook"

    def __init__(self, url: str, spool: Spool, key: bytes | None = None, pacing: Pacing = DEFAULT_PACING) -> None:
        self._poster = Poster(checked_url(url, "--webhook"), pacing.timeout_s)
        self._name = name_of(url)
        self._spool = spool
        self._key = key
        self._pacing = pacing
        self._changes = Changes()
        self._sent_s: dict[str, float] = {}  # when a source's last prediction was taken
        self._changed = threading.Condition()
        self._events: list[str] = []  # of the batch that is being filled
        self._begun_s = 0.0  # when the first of them came
        self._delivered = 0
        self._failures = 0
        self._retry_s = 0.0
        self._closing_s: float | None = None
        self._trouble: str | None = None
        self._thread = threading.Thread(target=self._send, name="webhook sender", daemon=True)

    @property
    def problem(self) -> str | None:
        """Why nothing is delivered, or that the disk takes nothing."""
        return self._trouble or self._spool.problem

    @property
    def backlog(self) -> Backlog:
        """What became of the events that were taken; what was left out as saying nothing new is none of them."""
        waiting = len(self._events) + self._spool.waiting
        return Backlog(self._delivered, self._spool.dropped, waiting)

    def open(self) -> None:
        """Take the queue's folder and begin to send what waits in it. Raises OutputFailed."""
        self._spool.open()
        self._thread.start()

    def handle(self, event: Event) -> None:
        """Put an event into the batch that is being filled."""
        if not self._says_something(event):
            return
        text = json.dumps(as_json(event))
        with self._changed:
            now = time.monotonic()
            if not self._events:
                self._begun_s = now
            self._events.append(text)
            full = len(self._events) >= self._pacing.batch_events
            if full or now >= self._due_s() or not isinstance(event.what, Prediction):
                self._queue_batch()
            self._changed.notify()

    def close(self) -> None:
        """Queue the last batch, send for a moment, and say what waits for the next start. Raises ListenerFailed."""
        with self._changed:
            self._queue_batch()
            self._closing_s = time.monotonic() + self._pacing.close_s
            self._changed.notify()
        self._thread.join(self._pacing.close_s)
        self._poster.hang_up()
        self._thread.join(0.4)
        self._spool.close()
        lost, waiting = self._spool.waiting_in_memory, self._spool.waiting
        if lost:
            raise ListenerFailed(f"{lost} events are lost: {self._spool.problem}")
        if waiting:
            why = f": {self._trouble}" if self._trouble else ""
            raise ListenerFailed(f"{waiting} events wait in {self._spool.folder} for the next start{why}")

    def _says_something(self, event: Event) -> bool:
        """Whether an event goes out: all but predictions that say the same again, more than once a second."""
        what = event.what
        if not isinstance(what, Prediction):
            return True
        is_new = self._changes.is_new(what)
        last_s = self._sent_s.get(what.source)
        if not is_new and last_s is not None and event.monotonic_s - last_s < self._pacing.same_answer_s:
            return False
        self._sent_s[what.source] = event.monotonic_s
        return True

    def _due_s(self) -> float:
        """When the batch that is being filled goes into the spool."""
        pacing = self._pacing
        return self._begun_s + (pacing.batch_s if self._spool.is_empty else pacing.batch_behind_s)

    def _queue_batch(self) -> None:
        if self._events:
            body = f"[{','.join(self._events)}]".encode()
            self._spool.put(body, len(self._events))
            self._events = []

    def _send(self) -> None:
        while (batch := self._next()) is not None:
            try:
                reply = self._poster.post(batch[1], self._headers(batch[0], batch[1]))
            except NoAnswer as failure:
                self._try_again(str(failure))
            else:
                self._take(reply, batch[0])

    def _next(self) -> tuple[Batch, bytes] | None:
        """The oldest batch, when it is time to send it; None at the end."""
        with self._changed:
            while True:
                now = time.monotonic()
                if self._events and now >= self._due_s():
                    self._queue_batch()
                if self._closing_s is not None and (now >= self._closing_s or self._failures or self._spool.is_empty):
                    return None
                if not self._spool.is_empty and now >= self._retry_s and (batch := self._spool.first()) is not None:
                    return batch
                moments = [self._due_s()] * bool(self._events) + [self._retry_s] * (not self._spool.is_empty)
                self._changed.wait(max(0.0, min(moments) - now) if moments else None)

    def _headers(self, batch: Batch, body: bytes) -> dict[str, str]:
        timestamp = int(time.time())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "fmnist-edge",
            "webhook-id": batch.id,
            "webhook-timestamp": str(timestamp),
        }
        if self._key is not None:
            headers["webhook-signature"] = signature(self._key, batch.id, timestamp, body)
        return headers

    def _take(self, reply: Reply, batch: Batch) -> None:
        """Act on what the receiver said of a batch."""
        if 200 <= reply.status < 300:
            self._spool.remove(batch)
            self._delivered += batch.events
            self._failures, self._trouble = 0, None
        elif reply.status in {408, 429} or reply.status >= 500:
            self._try_again(f"{self._name} answers {reply}", reply.retry_after_s)
        elif reply.status < 400:
            self._try_again(f"{self._name} redirects ({reply.status}): give the address that it points to")
        else:
            self._spool.refuse(batch)
            self._failures = 0
            self._trouble = (
                f"{self._name} refuses events: {reply}; they are put aside in {self._spool.folder / 'refused'}"
            )

    def _try_again(self, trouble: str, after_s: float | None = None) -> None:
        """Wait before the next try, longer each time; and as long as the receiver asks for."""
        pacing = self._pacing
        pause_s = min(pacing.pause_most_s, pacing.pause_first_s * 2 ** min(self._failures, 16))
        pause_s *= random.uniform(0.5, 1)  # noqa: S311 - no secret
        self._failures += 1
        self._trouble = trouble
        self._retry_s = time.monotonic() + max(pause_s, after_s or 0.0)
