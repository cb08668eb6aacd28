"""The engine of one machine: so many processes, which are started again where one is lost."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait

from edge.batch.engines.worker import BUG, At, More, Order, Ready
from edge.batch.settings import PartDone, Work
from edge.errors import BackendUnavailable, Cause, FmnistEdgeError

_MOST_LOSSES = 20
"""Of processes over one part, until it is the machine that is to blame and not a picture."""

_START = "from edge.batch.engines.worker import main; main()"


class LocalEngine:
    """Answers parts in processes of their own, which share nothing: order and number do not change the answers.

    `warn` is told of a process that is lost. Its part is answered once more, picture by picture. A picture over which a
    process is lost twice is left out, and is a failure.
    """

    def __init__(self, workers: int, warn: Callable[[str], None]) -> None:
        self._workers = workers
        self._warn = warn

    def __call__(self, parts: Sequence[int], work: Work, progress: Callable[[int], None]) -> Iterator[PartDone]:
        """Parts that are done. Raises what a worker's classifier raises, OutputFailed or BackendUnavailable."""
        waiting = deque(Order(part) for part in parts)
        losses: dict[int, _Losses] = {}
        workers = [_Worker(work) for _ in range(min(self._workers, len(parts)))]
        try:
            while workers:
                for connection in wait([one.connection for one in workers]):
                    worker = next(one for one in workers if one.connection is connection)
                    try:
                        message = worker.connection.recv()
                    except (EOFError, ConnectionResetError):
                        progress(-worker.answered)
                        waiting.appendleft(self._order_again(worker, losses))
                        workers[workers.index(worker)] = _Worker(work)
                        continue
                    if isinstance(message, PartDone | Ready):
                        if not worker.take(waiting):
                            workers.remove(worker)
                        if isinstance(message, PartDone):  # it works on while this is remembered
                            losses.pop(message.part, None)
                            yield message
                    elif isinstance(message, More):
                        worker.answered += message.pictures
                        progress(message.pictures)
                    elif isinstance(message, At):
                        worker.at = message.picture
                    elif isinstance(message, FmnistEdgeError):
                        raise message
        finally:
            for one in workers:
                one.kill()

    def _order_again(self, worker: _Worker, losses: dict[int, _Losses]) -> Order:
        """What becomes of a lost worker's part. Raises BackendUnavailable, or SystemExit after its traceback."""
        code = worker.process.wait()
        worker.kill()
        if code == BUG:
            sys.exit(1)
        name = signal.Signals(-code).name if code < 0 else str(code)
        if worker.order is None:
            raise BackendUnavailable(
                f"a process that answers pictures does not start ({name})", "is there too little memory?", Cause.CRASH
            )
        part = worker.order.part
        lost = losses.setdefault(part, _Losses())
        lost.processes += 1
        if worker.at is not None:
            lost.at[worker.at] += 1
        if lost.processes >= _MOST_LOSSES:
            raise BackendUnavailable(
                f"{lost.processes} processes were lost over the same pictures ({name})",
                "too little memory? Fewer at a time: --workers 1",
                Cause.CRASH,
            )
        self._warn(f"a process that answers pictures was lost ({name}); its pictures are answered again")
        return Order(part, carefully=True, leave_out=frozenset(one for one, times in lost.at.items() if times > 1))


@dataclass(slots=True)
class _Losses:
    """Processes that were lost over a part, and over which of its pictures."""

    processes: int = 0
    at: Counter[int] = field(default_factory=Counter)


class _Worker:
    """A process and the part that it is at. It is a new program, no fork: threads may run here, and libraries."""

    def __init__(self, work: Work) -> None:
        ours, its = socket.socketpair()
        with its:
            command = [sys.executable, "-P", "-c", _START, str(its.fileno())]
            environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
            self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and program, no shell
                command, pass_fds=[its.fileno()], stdin=subprocess.DEVNULL, env=environment
            )
        self.connection = Connection(ours.detach())
        self.order: Order | None = None
        self.at: int | None = None
        self.answered = 0
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # told when it is read from
            self.connection.send(work)

    def take(self, waiting: deque[Order]) -> bool:
        """Give it the next order; end it where there is none."""
        if not waiting:
            self.kill()
            return False
        self.order, self.at, self.answered = waiting.popleft(), None, 0
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.connection.send(self.order)
        return True

    def kill(self) -> None:
        """End the process at once: tables have their names when they are complete."""
        self.connection.close()
        self.process.kill()
        self.process.wait()
