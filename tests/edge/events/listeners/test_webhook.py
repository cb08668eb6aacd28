"""Everything that is posted arrives once and in order, whatever the receiver does meanwhile."""

from __future__ import annotations

import base64
import json
import subprocess
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from edge.errors import BadOption
from edge.events.event_json import as_json
from edge.events.listeners.spool import Spool
from edge.events.listeners.webhook import Webhook, key_of
from edge.frame import Decision
from tests.edge.events.happenings import EACH_KIND, HEARTBEAT, SOURCE, event, prediction
from tests.edge.events.hook_server import (
    Answer,
    Hook,
    babbles,
    closes,
    drips,
    hangs,
    receiving,
    slowly,
    status,
)
from tests.edge.events.webhook_run import QUICK, numbers, posting, stopped, until
from tests.ports import free_port


def test_every_kind_of_event_arrives_as_its_json_in_order(tmp_path: Path) -> None:
    with receiving(Hook(0)) as hook:
        with posting(hook, tmp_path) as (thread, said):
            for one in EACH_KIND:
                thread.offer(one)
        assert hook.events == [json.loads(json.dumps(as_json(one))) for one in EACH_KIND]
        assert {delivery.path for delivery in hook.all} == {"/hook?token=abc"}
        assert {delivery.headers["content-type"] for delivery in hook.all} == {"application/json"}
    assert said == []
    state = thread.state
    assert (state.delivered, state.dropped, state.waiting, state.problem) == (len(EACH_KIND), 0, 0, None)
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_predictions_wait_for_each_other_and_take_alarms_along(tmp_path: Path) -> None:
    with receiving(Hook(0)) as hook:
        with posting(hook, tmp_path, replace(QUICK, batch_s=60.0, batch_events=4)) as (thread, _):
            labels = ["Coat", "Dress"]
            for frame in range(6):
                thread.offer(event(prediction(labels[frame % 2], frame=frame)))
            until(lambda: len(hook.events) == 4)
            thread.offer(EACH_KIND[3])
            until(lambda: len(hook.events) == 7)
            thread.offer(event(prediction("Shirt")))
        assert [len(delivery.events) for delivery in hook.all] == [4, 3, 1]


def test_a_slow_receiver_gets_larger_batches_and_keeps_up(tmp_path: Path) -> None:
    with receiving(Hook(0)) as hook:
        hook.script = [slowly(0.3)] * 50
        with posting(hook, tmp_path, replace(QUICK, batch_s=0.01, batch_behind_s=60.0, timeout_s=5.0)) as (thread, _):
            for frame in range(80):
                thread.offer(event(prediction(["Coat", "Dress"][frame % 2], frame=frame)))
                time.sleep(0.01)
            until(lambda: thread.state.delivered == 80)
        assert [one["frame"] for delivery in hook.all for one in delivery.events] == list(range(80))
    assert len(hook.all) < 15


def test_a_batch_goes_out_though_nothing_follows(tmp_path: Path) -> None:
    with receiving(Hook(0)) as hook, posting(hook, tmp_path) as (thread, _):
        thread.offer(event(prediction()))
        until(lambda: len(hook.events) == 1)


def test_a_prediction_goes_out_when_the_answer_changes_or_once_a_second(tmp_path: Path) -> None:
    with receiving(Hook(0)) as hook:
        with posting(hook, tmp_path) as (thread, _):
            for frame in range(90):  # three seconds of 30 a second; sneaker, but two frames of coat
                label = "Coat" if frame in {40, 41} else "Sneaker"
                thread.offer(event(prediction(label, frame=frame), at_s=frame / 30))
            thread.offer(event(prediction(source="other"), "other", at_s=2.99))
            thread.offer(event(prediction(decision=Decision.UNKNOWN, frame=90), at_s=3.0))
            thread.offer(event(HEARTBEAT, at_s=3.0))
        sent = [(one["source"], one["frame"]) for one in hook.events if one["event"] == "prediction"]
    assert sent == [(SOURCE, 0), (SOURCE, 30), (SOURCE, 40), (SOURCE, 42), (SOURCE, 72), ("other", 0), (SOURCE, 90)]


@pytest.mark.parametrize(
    "answers",
    [
        [status(500)] * 5,
        [status(503), status(502), status(408)],
        [status(429), status(429, Retry_After="0")],
        [closes] * 3,
        [babbles] * 2,
        [status(302, Location="http://127.0.0.1:9/elsewhere"), status(307, Location="ftp://127.0.0.1/")],
        [hangs, status(500), hangs],
        [drips],
        [slowly(0.2)] * 3,
    ],
    ids=["500", "5xx and 408", "429", "closes", "babbles", "redirects", "hangs", "drips", "slow"],
)
def test_a_receiver_that_fails_for_a_while_gets_everything_once_in_order(tmp_path: Path, answers: list[Answer]) -> None:
    with receiving(Hook(0)) as hook:
        hook.script = list(answers)
        with posting(hook, tmp_path) as (thread, said):
            for number in range(12):
                thread.offer(stopped(number))
            until(lambda: thread.state.waiting == 0)
            thread.offer(stopped(12))
        delivered = {one.headers["webhook-id"]: one for one in hook.all}  # a receiver leaves out doubles
        assert [one["frames"] for delivery in delivered.values() for one in delivery.events] == list(range(13))
        bodies: dict[str, set[bytes]] = {}
        for delivery in hook.all:
            bodies.setdefault(delivery.headers["webhook-id"], set()).add(delivery.body)
        assert all(len(several) == 1 for several in bodies.values())
    assert thread.state.dropped == 0
    assert thread.state.delivered == 13
    assert all("not delivered" not in line for line in said)


def test_a_receiver_that_is_down_at_the_start_gets_everything_when_it_is_up(tmp_path: Path) -> None:
    hook = Hook(free_port())
    with posting(hook, tmp_path) as (thread, said):
        for number in range(20):
            thread.offer(stopped(number))
        until(lambda: thread.state.problem is not None)
        thread.offer(stopped(20))
        until(lambda: bool(said))
        assert said == [f"webhook: http://127.0.0.1:{hook.port} does not answer: Connection refused"]
        until(lambda: thread.state.waiting == 21)
        with receiving(hook):
            until(lambda: thread.state.waiting == 0)
            thread.offer(stopped(21))
            until(lambda: len(hook.events) == 22)
    assert numbers(hook) == list(range(22))
    assert said[1:] == ["webhook: it works again"]


def test_a_receiver_that_comes_and_goes_gets_everything(tmp_path: Path) -> None:
    hook = Hook(free_port())
    with posting(hook, tmp_path) as (thread, _):
        for number in range(60):
            thread.offer(stopped(number))
            if number % 20 == 10:
                with receiving(hook):
                    until(lambda: thread.state.waiting == 0)
        with receiving(hook):
            until(lambda: thread.state.waiting == 0)
    assert numbers(hook) == list(range(60))


def test_pauses_grow_and_retry_after_is_obeyed(tmp_path: Path) -> None:
    pacing = replace(QUICK, pause_first_s=0.1, pause_most_s=0.4)
    with receiving(Hook(0)) as hook:
        hook.script = [status(500)] * 4 + [status(429, Retry_After="1"), status(503, Retry_After="not a date")]
        with posting(hook, tmp_path, pacing) as (thread, _):
            thread.offer(stopped(0))
            until(lambda: bool(hook.accepted))
        gaps = [after.at_s - before.at_s for before, after in pairwise(hook.all)]
    for gap, least in zip(gaps, [0.05, 0.1, 0.2, 0.2, 1.0, 0.2], strict=True):
        assert gap >= least


def test_what_the_receiver_refuses_is_put_aside_and_the_rest_goes_on(tmp_path: Path) -> None:
    with receiving(Hook(0)) as hook:
        hook.script = [status(400), status(401)]
        with posting(hook, tmp_path) as (thread, said):
            for number in range(3):
                thread.offer(stopped(number))
                until(lambda number=number: len(hook.all) == number + 1)
                until(lambda: thread.state.waiting == 0)
            thread.offer(stopped(3))
        assert numbers(hook) == [2, 3]
        assert len(hook.all) == 4  # nothing was tried twice
    assert len(list((tmp_path / "refused").iterdir())) == 2
    assert said[0] == (
        f"webhook: http://127.0.0.1:{hook.port} refuses events: 400 Bad Request; "
        f"they are put aside in {tmp_path / 'refused'}"
    )
    assert said[-1] == "webhook: 2 events were not delivered"
    assert thread.state.dropped == 2


def test_a_long_reason_is_cut_and_none_is_no_trouble(tmp_path: Path) -> None:
    def at_length(handler: BaseHTTPRequestHandler, _: object) -> None:
        handler.wfile.write(b"HTTP/1.0 503 " + b"x" * 9000 + b"\r\n\r\n")

    def without(handler: BaseHTTPRequestHandler, _: object) -> None:
        handler.wfile.write(b"HTTP/1.0 503\r\n\r\n")

    for answer, text in ((at_length, f"503 {'x' * 80}"), (without, "503")):
        with receiving(Hook(0)) as hook:
            hook.script = [answer] * 1000
            with posting(hook, tmp_path / text[-1]) as (thread, _):
                thread.offer(stopped(1))
                until(lambda thread=thread: thread.state.problem is not None)
                assert thread.state.problem == f"http://127.0.0.1:{hook.port} answers {text}"


def signed(key: bytes, delivery: Any) -> str:
    """The signature as OpenSSL computes it."""
    headers = delivery.headers
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + delivery.body
    done = subprocess.run(
        ["openssl", "dgst", "-sha256", "-mac", "HMAC", "-macopt", f"hexkey:{key.hex()}", "-binary"],
        input=content,
        capture_output=True,
        check=True,
    )
    return "v1," + base64.b64encode(done.stdout).decode()


@pytest.mark.subprocess
@pytest.mark.parametrize(
    ("secret", "key"),
    [
        ("plain passphrase, mit Umläuten", "plain passphrase, mit Umläuten".encode()),
        ("whsec_AAECAwQ=", bytes(range(5))),
    ],
)
def test_deliveries_are_signed_anew_at_each_try(tmp_path: Path, secret: str, key: bytes) -> None:
    with receiving(Hook(0)) as hook:
        hook.script = [status(500)]
        with posting(hook, tmp_path, replace(QUICK, pause_first_s=2.2, pause_most_s=2.2), key_of(secret)) as (
            thread,
            _,
        ):
            thread.offer(stopped(1))
            until(lambda: bool(hook.accepted))
        first, second = hook.all
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert int(second.headers["webhook-timestamp"]) > int(first.headers["webhook-timestamp"])
    assert abs(int(second.headers["webhook-timestamp"]) - time.time()) < 60
    for delivery in hook.all:
        assert delivery.headers["webhook-signature"] == signed(key, delivery)


def test_without_a_secret_nothing_is_signed(tmp_path: Path) -> None:
    with receiving(Hook(0)) as hook:
        with posting(hook, tmp_path) as (thread, _):
            thread.offer(stopped(1))
        assert "webhook-signature" not in hook.all[0].headers


def test_a_secret_that_claims_to_be_base64_must_be() -> None:
    with pytest.raises(BadOption, match="no Base64") as caught:
        key_of("whsec_%%%")
    assert "%%%" not in str(caught.value) + caught.value.hint


def test_a_message_never_shows_the_path_of_an_address_which_may_be_its_secret(tmp_path: Path) -> None:
    hook = Hook(free_port())
    with posting(hook, tmp_path) as (thread, said):
        for number in range(5):
            thread.offer(stopped(number))
            until(lambda: thread.state.problem is not None)
    assert said
    assert not [line for line in said if "abc" in line or "/hook" in line]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("hook.example", "expected http://HOST"),
        ("ftp://hook.example/", "expected http://HOST"),
        ("http://", "expected http://HOST"),
        ("", "expected http://HOST"),
        ("http://[::1/", "no address"),
        ("http://hook:99999/", "no address"),
        ("http://hook/a b", "neither spaces"),
        ("http://hook/\n", "neither spaces"),
        ("http://hook/ä", "neither spaces"),
        ("http://me:secret@hook/", "can read a password"),
    ],
)
def test_bad_addresses_are_errors(tmp_path: Path, url: str, message: str) -> None:
    with pytest.raises(BadOption, match=message) as caught:
        Webhook(url, Spool(tmp_path, 10**6))
    assert caught.value.hint
    assert "secret" not in str(caught.value) + caught.value.hint
