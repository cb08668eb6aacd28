"""The engine of a cluster: Ray Data hands the parts to actors, restarts those that are lost, and asks them again.

A part's tables have the same names and answers whoever writes them, so a part that is answered twice is there once.
"""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from edge.batch.settings import HINT, PartDone, Work
from edge.errors import BackendUnavailable, Cause, FmnistEdgeError, MissingExtra

_CONNECT_S = 5.0
_START_HINT = "ray start --head on one machine, then --address HOST:6379; RAY_AUTH_MODE=token if it asks for one"

_BLOCKS_A_WORKER, _MOST_PARTS = 16, 4
"""Parts are handed out some together, which costs Ray some 20 ms each time; more than four only of small catalogues."""


_MODE, _TOKEN = "RAY_AUTH_MODE", "RAY_AUTH_TOKEN"


class RayEngine:
    """Answers parts on the cluster at `address`, or on a cluster of this machine that lasts as long as the run.

    All nodes need this package with the extra batch, and the same folders. With `workers` None as many answer as there
    are cores.
    """

    def __init__(self, address: str | None, workers: int | None) -> None:
        self._address = address
        self._workers = workers

    def __call__(self, parts: Sequence[int], work: Work, progress: Callable[[int], None]) -> Iterator[PartDone]:
        """Parts that are done. Raises MissingExtra, BackendUnavailable, OutputFailed or what a classifier raises."""
        _let_in(self._address)
        ray = _import_ray()
        with redirect_stdout(sys.stderr):  # Ray prints what it notices
            yield from self._answer(ray, parts, work, progress)

    def _answer(
        self, ray: Any, parts: Sequence[int], work: Work, progress: Callable[[int], None]
    ) -> Iterator[PartDone]:
        self._connect(ray)
        try:
            workers = self._workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
            most = min(workers, len(parts))
            blocks = min(len(parts), max(_BLOCKS_A_WORKER * most, len(parts) // _MOST_PARTS))
            parts_of = ray.data.from_items([{"part": part} for part in parts], override_num_blocks=blocks)
            answered = parts_of.map_batches(
                PartActor,
                fn_constructor_args=(work,),
                batch_size=None,
                compute=ray.data.ActorPoolStrategy(min_size=1, max_size=most, initial_size=most),
                num_cpus=1,
            )
            for row in answered.iter_rows():
                if row["error"] is not None:
                    raise row["error"]
                done = PartDone(int(row["part"]), int(row["answered"]), int(row["failed"]))
                progress(done.answered + done.failed)
                yield done
        except ray.exceptions.RayError as error:
            reason = str(error).strip().partition("\n")[0]
            raise BackendUnavailable(
                f"Ray gave up: {reason}",
                "ray status; what is done is kept, and --engine local goes on with it, too",
                Cause.CRASH,
            ) from error
        finally:
            with _nothing_on_stderr():
                ray.shutdown()

    def _connect(self, ray: Any) -> None:
        """Join the cluster, or start one on this machine. Raises BackendUnavailable."""
        self._check_address()
        mine: dict[str, Any] = {"include_dashboard": False} if self._address is None else {}
        if self._workers is not None and self._address is None:
            mine["num_cpus"] = self._workers
        try:
            with _nothing_on_stderr():
                ray.init(address=self._address, log_to_driver=False, logging_level=logging.ERROR, **mine)
        except (ConnectionError, RuntimeError, ValueError) as error:
            reason = str(error).strip().partition("\n")[0]
            raise BackendUnavailable(
                f"no Ray cluster at {self._address}: {reason}" if self._address else f"Ray does not start: {reason}",
                _START_HINT,
            ) from error
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, _end)  # Ray's own prints where in its C++ it was
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False  # there is one of our own
        logging.getLogger("ray.data").setLevel(logging.ERROR)

    def _check_address(self) -> None:
        """Whether anybody listens: Ray itself tries for two minutes. Raises BackendUnavailable."""
        host, _, port = (self._address or "").rpartition(":")
        if not port.isdecimal():
            return
        try:
            socket.create_connection((host.strip("[]"), int(port)), _CONNECT_S).close()
        except (OSError, OverflowError) as error:
            raise BackendUnavailable(f"no Ray cluster at {self._address}: {error}", _START_HINT) from error


class PartActor:
    """What Ray keeps on each core: a classifier that answers a part at a time. An error is an answer, too."""

    def __init__(self, work: Work) -> None:
        from edge.batch.part_answers import PartAnswers

        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        self._answers: PartAnswers | None = None
        self._error: FmnistEdgeError | None = None
        try:
            self._answers = PartAnswers(work)
        except FmnistEdgeError as error:
            self._error = error

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[Any]]:
        """Answer the parts of a batch."""
        done = [self._answer(int(part)) for part in batch["part"]]
        return {
            "part": [one.part for one, _ in done],
            "answered": [one.answered for one, _ in done],
            "failed": [one.failed for one, _ in done],
            "error": [error for _, error in done],
        }

    def _answer(self, part: int) -> tuple[PartDone, FmnistEdgeError | None]:
        if self._answers is not None:
            try:
                return self._answers(part), None
            except FmnistEdgeError as error:
                self._answers, self._error = None, error  # a full disk stays full
        return PartDone(part, 0, 0), self._error


@contextmanager
def _nothing_on_stderr() -> Iterator[None]:
    """Keep back what Ray writes where it begins and ends: that it is to write nothing, that it ends its actors."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _end(number: int, _where: FrameType | None) -> NoReturn:
    """Leave as after Ctrl-C: a cluster that was started is ended, too."""
    sys.exit(128 + number)


def _let_in(address: str | None) -> None:
    """Have a token that lets us in, unless the environment says otherwise. Ray reads it when it is imported.

    A cluster of our own gets one of its own: Ray would leave one in the home folder, after which every cluster that
    `ray start` makes there asks for it.
    """
    if address is None and _MODE not in os.environ:
        os.environ |= {_MODE: "token", _TOKEN: secrets.token_hex(32)}


def _import_ray() -> Any:
    """Ray with Ray Data, quiet. Raises MissingExtra."""
    os.environ.setdefault("RAY_worker_niceness", "0")  # of a cluster that is started here: nothing is to come first
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it tells nobody of itself
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # what matters is raised
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # or it warns of a future version
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise MissingExtra(f"--engine ray needs Ray: {error}", HINT) from error
    return ray
