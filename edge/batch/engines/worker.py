"""A process that answers parts, until there are no more: local starts it, and talks to it through a socket."""

from __future__ import annotations

import signal
import sys
import traceback
import warnings
from dataclasses import dataclass
from multiprocessing.connection import Connection

from edge.batch.part_answers import PartAnswers
from edge.errors import FmnistEdgeError

BUG = 70
"""Exit code of a worker whose traceback stands on stderr; EX_SOFTWARE of sysexits.h."""


@dataclass(frozen=True, slots=True)
class Order:
    """Answer this part; `carefully`, picture by picture, where a process was lost over it."""

    part: int
    carefully: bool = False
    leave_out: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Ready:
    """The model is loaded."""


@dataclass(frozen=True, slots=True)
class More:
    """So many pictures more are answered."""

    pictures: int


@dataclass(frozen=True, slots=True)
class At:
    """The next picture is this one of its part."""

    picture: int


def main() -> None:
    """Take orders from the socket whose number is the first argument."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the parent ends its processes
    warnings.simplefilter("ignore")  # the parent has said them
    with Connection(int(sys.argv[1])) as parent:
        try:
            _serve(parent)
        except FmnistEdgeError as error:
            parent.send(error)
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return  # the parent is gone, or has no more
        except BaseException:
            traceback.print_exc()
            sys.exit(BUG)


def _serve(parent: Connection) -> None:
    answers = PartAnswers(parent.recv())
    parent.send(Ready())

    def say_more(pictures: int) -> None:
        parent.send(More(pictures))

    while True:
        order: Order = parent.recv()
        if order.carefully:
            done = answers.one_by_one(order.part, lambda number: parent.send(At(number)), order.leave_out, say_more)
        else:
            done = answers(order.part, say_more)
        parent.send(done)
