"""Worker processes: each answers every so-manieth picture with an interpreter of its own.

Threads would not do: small pictures spend half their time in Python, which one thread at a time may run.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import sys
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, NoReturn

from edge.errors import BackendUnavailable, Cause, FmnistEdgeError, SourceError

if TYPE_CHECKING:
    from edge.sources.grammar import Input

Line = str | SourceError
Work = Callable[[Sequence["Input"]], Iterator[list[Line]]]
"""Answers pictures, in order: a line or an error for each, in lists of some."""

_BUG = 70
"""Exit code of a worker whose traceback stands on stderr; EX_SOFTWARE of sysexits.h."""


class PictureWorkers:
    """The lines of all pictures, in order, made by so many processes; a context manager that ends them.

    The processes are forks: they share the model's memory. Start them while there is one thread only. What is made and
    not taken is as much as fits into a pipe, 64 KB each.
    """

    def __init__(self, pictures: Sequence[Input], work: Work, workers: int) -> None:
        self._pictures = pictures
        self._work = work
        self._workers = workers
        self._children: list[int] = []
        self._pipes: list[BinaryIO] = []

    def __enter__(self) -> PictureWorkers:
        sys.stdout.flush()
        sys.stderr.flush()
        for number in range(self._workers):
            read_end, write_end = os.pipe()
            child = os.fork()
            if not child:
                os.close(read_end)
                self._serve(number, write_end)
            os.close(write_end)
            self._children.append(child)
            self._pipes.append(open(read_end, "rb"))  # noqa: PTH123 - a descriptor, closed at the end
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pipe in self._pipes:
            pipe.close()
        for child in self._children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)  # it holds nothing that would have to be closed
        while self._children:
            os.waitpid(self._children.pop(), 0)

    def __iter__(self) -> Iterator[list[Line]]:
        """A line or an error for each picture, in lists of those that are there.

        Raises BackendUnavailable, and what a worker's classifier raised.
        """
        made: list[deque[Line]] = [deque() for _ in self._pipes]
        batch: list[Line] = []
        for number in range(len(self._pictures)):
            worker = number % self._workers
            if not made[worker]:
                if batch:
                    yield batch
                    batch = []
                made[worker].extend(self._receive(worker))
            batch.append(made[worker].popleft())
        yield batch

    def _receive(self, worker: int) -> list[Line]:
        try:
            received = pickle.load(self._pipes[worker])  # noqa: S301 - written by our own child
        except EOFError:
            self._lost(worker)
        if isinstance(received, FmnistEdgeError):
            raise received
        return list(received)

    def _lost(self, worker: int) -> NoReturn:
        """End as the worker did: with its signal, as one process would have ended, or after its traceback."""
        _, status = os.waitpid(self._children.pop(worker), 0)
        code = os.waitstatus_to_exitcode(status)
        if code == _BUG:
            sys.exit(1)
        if -code in {signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL}:
            os.kill(os.getpid(), -code)
        raise BackendUnavailable(
            f"a process that classifies pictures is gone ({signal.Signals(-code).name if code < 0 else code})",
            "was there too little memory? Fewer pictures at a time: --threads 1",
            Cause.CRASH,
        )

    def _serve(self, number: int, write_end: int) -> NoReturn:
        """What a child does until its pictures are answered, or nobody reads the answers."""
        code = 0
        try:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the parent ends its children
            for pipe in self._pipes:
                pipe.close()  # or its writer would not notice at once that the parent is gone
            with open(write_end, "wb") as pipe:
                _send(self._work(self._pictures[number :: self._workers]), pipe)
        except BrokenPipeError:
            pass
        except BaseException:
            traceback.print_exc()
            code = _BUG
        sys.stderr.flush()
        os._exit(code)


def _send(batches: Iterator[list[Line]], pipe: BinaryIO) -> None:
    """Write the lines to the parent; in their place, at the end, an error that ends the run."""
    try:
        for batch in batches:
            pickle.dump(batch, pipe)
            pipe.flush()
    except FmnistEdgeError as error:
        pickle.dump(error, pipe)
