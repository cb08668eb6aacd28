"""What is not delivered waits on the disk; what cannot wait there is counted and said."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from edge.events.listeners.spool import BLOCK
from tests.edge.events.full_disk import files_up_to
from tests.edge.events.hook_server import Answer, Hook, drips, hangs, receiving, slowly, status
from tests.edge.events.webhook_run import QUICK, numbers, posting, stopped, until
from tests.ports import free_port


@pytest.mark.parametrize("answer", [hangs, drips, status(500), slowly(30)], ids=["hangs", "drips", "500", "slow"])
def test_at_the_end_what_is_left_waits_on_the_disk_and_is_delivered_by_the_next_run(
    tmp_path: Path, answer: Answer
) -> None:
    hook = Hook(free_port())
    with receiving(hook):
        hook.script = [answer] * 100
        began = time.monotonic()
        with posting(hook, tmp_path, replace(QUICK, timeout_s=30.0)) as (thread, said):
            for number in range(5):
                thread.offer(stopped(number))
        assert time.monotonic() - began < 10
        # A sender that went on would deliver what the next run delivers, too.
        assert "webhook sender" not in {one.name for one in threading.enumerate()}
        assert said[-1].startswith(
            f"webhook: 5 events wait in {tmp_path} for the next start: http://127.0.0.1:{hook.port} "
        )
        assert thread.state.dropped == 0
    hook.script, hook.all = [], []
    with receiving(hook):
        with posting(hook, tmp_path) as (thread, said):
            thread.offer(stopped(5))
            until(lambda: len(hook.events) == 6)
        assert numbers(hook) == list(range(6))
        assert said == []


def test_what_the_disk_could_not_take_is_said_to_be_lost(tmp_path: Path) -> None:
    hook = Hook(free_port())
    with files_up_to(5), posting(hook, tmp_path) as (thread, said):
        thread.offer(stopped(0))
        until(lambda: thread.state.waiting == 1)
    assert said[-1] == f"webhook: 1 events are lost: {tmp_path} takes nothing: File too large; events wait in memory"


def test_a_folder_that_is_taken_away_is_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "queue"
    hook = Hook(free_port())
    with posting(hook, folder, replace(QUICK, pause_first_s=4.0, pause_most_s=4.0)) as (thread, said):
        thread.offer(stopped(0))
        until(lambda: thread.state.problem is not None)  # it pauses now
        folder.rename(tmp_path / "gone")
        for number in (1, 2):
            thread.offer(stopped(number))
            until(lambda number=number: thread.state.delivered + thread.state.waiting + thread.state.dropped > number)
        with receiving(hook):
            until(lambda: thread.state.waiting == 0)
    assert numbers(hook) == [1, 2]
    assert thread.state.dropped == 1
    assert said[-1] == "webhook: 1 events were not delivered"


def test_a_queue_that_is_full_drops_the_oldest_and_says_how_many(tmp_path: Path) -> None:
    hook = Hook(free_port())
    with posting(hook, tmp_path, size=4 * BLOCK) as (thread, said):
        for number in range(10):
            thread.offer(stopped(number))
        until(lambda: thread.state.dropped == 6 and thread.state.waiting == 4)
        assert thread.state.delivered == 0
    assert "webhook: 6 events were not delivered" in said
