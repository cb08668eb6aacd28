"""A listener may be slow, dead or broken: nobody waits for it, and what it loses is counted and said."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from edge.events.event import Event, Heartbeat, Stopped
from edge.events.listeners.listener import Backlog, ListenerFailed
from edge.events.listeners.listener_thread import CLOSE_S, ListenerThread, close_all
from edge.events.publisher import Publisher
from edge.events.run import open_run
from tests.edge.events.happenings import EACH_KIND, event, prediction


class Recorder:
    """Keeps events. `gate` is passed before each; `fails` says what goes wrong with one."""

    name = "recorder"

    def __init__(self, fails: Callable[[Event], Exception | None] = lambda _: None) -> None:
        self.events: list[Event] = []
        self.gate = threading.Event()
        self.gate.set()
        self.threads: set[int] = set()
        self.closed = 0
        self._fails = fails

    def open(self) -> None:
        self.threads.add(-1)

    def handle(self, event: Event) -> None:
        self.gate.wait()
        self.threads.add(threading.get_ident())
        failure = self._fails(event)
        if failure is not None:
            raise failure
        self.events.append(event)

    def close(self) -> None:
        self.closed += 1


class Queueing(Recorder):
    """A listener that has a queue of its own and a server that does not answer."""

    problem: str | None = None
    backlog = Backlog(0, 0, 0)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_each_event_comes_once_in_order_in_a_thread_of_its_own() -> None:
    said: list[str] = []
    recorder = Recorder()
    thread = ListenerThread(recorder, said.append)
    thread.start()
    for one in EACH_KIND * 20:
        thread.offer(one)
    close_all([thread])
    assert recorder.events == list(EACH_KIND) * 20
    assert recorder.closed == 1
    assert threading.get_ident() not in recorder.threads
    assert (thread.state.delivered, thread.state.dropped, thread.state.waiting) == (20 * len(EACH_KIND), 0, 0)
    assert said == []


def test_a_slow_one_loses_predictions_first_and_the_oldest_first() -> None:
    said: list[str] = []
    recorder = Recorder()
    recorder.gate.clear()
    thread = ListenerThread(recorder, said.append, capacity=5)
    thread.start()
    thread.offer(event(prediction(frame=0)))
    until(lambda: not thread._queue)  # it hangs in this one
    others = EACH_KIND[3:6]
    for one in (*others, *(event(prediction(frame=frame)) for frame in range(1, 6))):
        thread.offer(one)
    assert thread.state.dropped == 3
    assert thread.state.waiting == 6
    assert said == ["recorder: it is too slow: predictions are left out"]
    recorder.gate.set()
    close_all([thread])
    kept = [one.what.frame for one in recorder.events if hasattr(one.what, "frame")]
    assert kept == [0, 4, 5]
    assert [one for one in recorder.events if one in others] == list(others)
    assert said[1:] == ["recorder: 3 events were not delivered"]


def test_without_predictions_in_the_queue_the_oldest_event_makes_room() -> None:
    recorder = Recorder()
    recorder.gate.clear()
    thread = ListenerThread(recorder, lambda _: None, capacity=2)
    thread.start()
    thread.offer(EACH_KIND[0])
    until(lambda: not thread._queue)
    for one in EACH_KIND[3:7]:
        thread.offer(one)
    recorder.gate.set()
    close_all([thread])
    assert recorder.events == [EACH_KIND[0], *EACH_KIND[5:7]]


def test_a_failure_is_counted_each_time_and_said_once() -> None:
    said: list[str] = []
    recorder = Recorder(lambda one: ListenerFailed("no route to host") if one.what in failing else None)
    failing = [one.what for one in EACH_KIND[:3]]
    thread = ListenerThread(recorder, said.append)
    thread.start()
    for one in EACH_KIND:
        thread.offer(one)
        until(lambda: thread.state.waiting == 0)
        assert thread.state.problem == ("no route to host" if one.what in failing else None)
    close_all([thread])
    assert said == ["recorder: no route to host", "recorder: it works again", "recorder: 3 events were not delivered"]
    assert (thread.state.delivered, thread.state.dropped) == (len(EACH_KIND) - 3, 3)


def test_a_bug_in_a_listener_shows_its_traceback_once_and_the_next_event_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", shown.append)
    said: list[str] = []
    recorder = Recorder(lambda one: KeyError("x") if isinstance(one.what, Heartbeat) else None)
    thread = ListenerThread(recorder, said.append)
    thread.start()
    for one in EACH_KIND * 3:
        thread.offer(one)
    close_all([thread])
    assert len(recorder.events) == 3 * (len(EACH_KIND) - 1)
    assert [one.exc_type for one in shown] == [KeyError]
    assert said == ["recorder: KeyError: 'x'", "recorder: it works again", "recorder: 3 events were not delivered"]


def test_what_is_wrong_with_a_server_is_said_though_no_event_fails() -> None:
    said: list[str] = []
    listener = Queueing()
    listener.problem = "hook.example does not answer"
    listener.backlog = Backlog(5, 2, 7)
    thread = ListenerThread(listener, said.append)
    thread.start()
    for one in EACH_KIND:
        thread.offer(one)
    close_all([thread])
    state = thread.state
    assert (state.delivered, state.dropped, state.waiting, state.problem) == (5, 2, 7, "hook.example does not answer")
    # The seven that wait are not lost: the listener keeps them, or says otherwise when it is closed.
    assert said == ["recorder: hook.example does not answer", "recorder: 2 events were not delivered"]


def test_what_a_listener_leaves_behind_is_said() -> None:
    class Leaves(Recorder):
        def close(self) -> None:
            raise ListenerFailed("4 events wait for the next start")

    said: list[str] = []
    thread = ListenerThread(Leaves(), said.append)
    thread.start()
    close_all([thread])
    assert said == ["recorder: 4 events wait for the next start"]


def test_listeners_that_hang_are_left_behind_together() -> None:
    said: list[str] = []
    hanging = [Recorder() for _ in range(4)]
    threads = [ListenerThread(one, said.append) for one in hanging]
    for recorder, thread in zip(hanging, threads, strict=True):
        recorder.gate.clear()
        thread.start()
        for one in EACH_KIND[:3]:
            thread.offer(one)
    began = time.monotonic()
    close_all(threads)
    assert time.monotonic() - began < 2 * CLOSE_S
    assert said == ["recorder: 3 events were not delivered"] * 4
    for recorder in hanging:
        recorder.gate.set()


def test_a_dead_listener_costs_the_run_no_frame() -> None:
    dead, alive = Recorder(), Recorder()
    dead.gate.clear()
    publisher = Publisher("5" * 64)
    seen: list[Event] = []
    said: list[str] = []
    with open_run(publisher, [seen.append], [dead, alive], said.append):
        for frame in range(20_000):
            publisher.publish(prediction(frame=frame), "camera:0")
        dead.gate.set()
    assert len(seen) == 20_001
    assert isinstance(seen[-1].what, Stopped)
    assert dead.events[-1] == alive.events[-1] == seen[-1]
    assert any("were not delivered" in line for line in said)
