"""Events for browsers: in order, with ids, to those who read."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

from edge.events.event import Event, Stopped
from edge.events.event_json import NAMES
from edge.serve import event_feed
from edge.serve.event_feed import EventFeed
from tests.edge.events.happenings import EACH_KIND, event, prediction


def parsed(piece: bytes) -> tuple[int, str, Any]:
    fields = dict(line.split(": ", 1) for line in piece.decode().strip().splitlines())
    return int(fields["id"]), fields["event"], json.loads(fields["data"])


def test_events_come_in_order_with_ids_and_the_run_s_end_is_the_last() -> None:
    async def read() -> list[bytes]:
        feed, pieces = EventFeed(), []
        reading = feed.read(None)
        pieces.append(await anext(reading))
        threading.Thread(target=lambda: [feed.take(one) for one in EACH_KIND]).start()
        pieces += [piece async for piece in reading]
        assert feed.readers == 0
        return pieces

    first, *others = asyncio.run(read())
    assert first == b"retry: 2000\n\n"
    numbers, names, documents = zip(*map(parsed, others), strict=True)
    assert list(numbers) == sorted(numbers)
    assert names[-1] == "stopped"
    assert {"prediction", "camera_lost", "camera_back", "drift", "heartbeat"} <= set(names)
    assert documents[0]["label"] == "Sneaker"


def test_a_reader_who_comes_back_gets_what_it_missed_but_for_predictions() -> None:
    async def read(last_id: int | None) -> bytes:
        feed = EventFeed()
        for one in EACH_KIND[:-1]:
            feed.take(one)
        return await anext(feed.read(last_id))

    missed = asyncio.run(read(5))
    names = [(number, NAMES[type(one.what)]) for number, one in enumerate(EACH_KIND[:-1], 1)]
    assert [parsed(one)[:2] for one in missed.split(b"\n\n")[1:-1]] == names[5:]
    assert asyncio.run(read(None)) == b"retry: 2000\n\n"
    assert asyncio.run(read(9999)).count(b"id: ") == len(names) - 3  # an id of the run before


def test_a_prediction_that_says_the_same_goes_out_five_times_a_second() -> None:
    async def read() -> list[bytes]:
        feed = EventFeed()
        reading = feed.read(None)
        await anext(reading)
        for number in range(30):
            feed.take(event(prediction(frame=number), at_s=number / 30))
        feed.take(event(prediction("Coat", frame=30), at_s=1.0))
        feed.take(event(Stopped("SIGTERM", 30), at_s=1.0))
        return [piece async for piece in reading]

    frames = [parsed(one)[2].get("frame") for one in asyncio.run(read())]
    assert 4 <= len(frames) - 2 <= 6
    assert frames[-2:] == [30, None]


def test_a_reader_that_does_not_keep_up_is_let_go_and_the_others_stay() -> None:
    async def read() -> tuple[int, int]:
        feed = EventFeed()
        slow, quick = feed.read(None), feed.read(None)
        await anext(slow)
        await anext(quick)
        got = 0
        for number in range(3 * event_feed.MOST_WAITING):
            feed.take(event(prediction("Coat" if number % 2 else "Bag", frame=number)))
            await anext(quick)
            got += 1
        ended = [piece async for piece in slow]
        return got, len(ended)

    assert asyncio.run(read()) == (3 * event_feed.MOST_WAITING, 0)


def test_without_readers_the_loop_is_left_alone() -> None:
    async def read() -> None:
        feed = EventFeed()
        reading = feed.read(None)
        await anext(reading)
        await reading.aclose()
        woken: list[Event] = []
        feed._hand_out = lambda: woken.append(EACH_KIND[0])  # type: ignore[method-assign]
        feed.take(EACH_KIND[3])
        await asyncio.sleep(0.01)
        assert woken == []
        assert not feed._pending

    asyncio.run(read())
