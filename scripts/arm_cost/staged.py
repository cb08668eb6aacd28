"""Runs the installed `fmnist-edge` in the emulated Python and marks where each stage begins, for count_instructions.c.

staged.py MARKS PROGRAM ARGUMENT...   writes the stages' names to MARKS, one a mark

The program itself is not changed: the functions at the seams of its rooms are wrapped as soon as their modules are
loaded. A stage within a stage is not counted twice: `decide` pauses while `isolate` runs. Python's garbage collection
(`collect`) is a stage, too: it comes after so many objects, in whatever stage that happens to be. This file imports
nothing that Python has not loaded by itself, or the program's imports would seem cheaper than they are.

The program does not see how fast it is, which it would act on: its clock goes on by 10 ms whenever it looks. It sees
one core only: pictures are read and answered one after the other.
"""

import gc
import os
import sys
import time

SEAMS = {
    "edge.cli.options": {"read_checked": "load", "open_model": "load"},
    "edge.sources.pictures": {"read_image": "read"},
    "edge.isolation.network_input": {"see": "isolate"},
    "edge.inference.classifier": {
        "Classifier.__call__": "decide",
        "Classifier.probabilities": "encode",
        "softmax": "decide",
    },
    "edge.inference.interpreters": {"TFLiteInterpreter.run": "invoke"},
    "edge.output.sinks": {"TableSink.line": "print", "TableSink.write_line": "print"},
}
"""Module -> function -> its stage. What is in none of them is the command's own: options, generators, opening."""


class Marks:
    """The names of the stages as they begin; a mark is made at each."""

    def __init__(self) -> None:
        self.names = ["command"]
        os.getppid()

    def begin(self, stage):
        """Begin a stage; gives the one that was under way."""
        before = self.names[-1]
        if stage != before:
            self.names.append(stage)
            os.getppid()
        return before

    def staged(self, function, stage):
        """The function, as a stage of its own wherever it is called."""

        def run(*arguments, **named):
            before = self.begin(stage)
            try:
                return function(*arguments, **named)
            finally:
                self.begin(before)

        return run

    def wrap_seams(self, module):
        """Wrap those of a module that has just been loaded."""
        for path, stage in SEAMS.get(module, {}).items():
            owner = sys.modules[module]
            *classes, name = path.split(".")
            for inner in classes:
                owner = getattr(owner, inner)
            if not hasattr(owner, name):
                raise AttributeError(f"{module} has no {path} any more: SEAMS must name what does {stage} now")
            setattr(owner, name, self.staged(getattr(owner, name), stage))


def hide_the_machine():
    """Put a clock of even steps and one core in the place of this machine's."""
    now_s = 0.0

    def clock():
        nonlocal now_s
        now_s += 0.01
        return now_s

    time.monotonic = time.perf_counter = clock
    os.sched_getaffinity = lambda _: {0}


def main(marks_file, program, *arguments):
    hide_the_machine()
    marks = Marks()
    # Python calls this for each module that is not loaded yet, and for no other.
    importlib = sys.modules["_frozen_importlib"]
    find_and_load = marks.staged(importlib._find_and_load, "import")

    def load(name, import_):
        found = find_and_load(name, import_)
        marks.wrap_seams(name)
        return found

    importlib._find_and_load = load
    before_collection = []

    def notice_collection(phase, _):
        if phase == "start":
            before_collection.append(marks.begin("collect"))
        else:
            marks.begin(before_collection.pop())

    gc.callbacks.append(notice_collection)
    leave = os._exit

    def write_and_leave(code):
        with open(marks_file, "w") as file:  # noqa: PTH123 - pathlib is an import of the program's
            file.write("\n".join(marks.names) + "\n")
        leave(code)

    os._exit = write_and_leave
    sys.argv = [program, *arguments]
    with open(program) as file:  # noqa: PTH123 - as above
        code = compile(file.read(), program, "exec")
    try:
        exec(code, {"__name__": "__main__", "__file__": program})
    except SystemExit as leaving:
        write_and_leave(leaving.code or 0)


main(*sys.argv[1:])
