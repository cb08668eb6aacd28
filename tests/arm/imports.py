"""Import every module of the runtime; write a line for each, and one for each thing that the device must not need."""

import importlib
import pkgutil
import sys
from importlib.util import find_spec

import edge

OF_EXTRAS = {"edge.serve.": "starlette", "edge.fleet.": "tuf"}
"""Rooms that need an extra, and what it brings."""

FORBIDDEN = {"tensorflow", "keras", "torch", "train", "convert", "pydantic"}


class Watch:
    """Tells of a forbidden import even where the module that tried it carries on without."""

    @staticmethod
    def find_spec(name, _path=None, _target=None):
        if name.partition(".")[0] in FORBIDDEN:
            sys.stdout.write(f"FORBIDDEN {name}\n")
            raise ModuleNotFoundError(name, name=name)


sys.meta_path.insert(0, Watch)
for module in pkgutil.walk_packages(edge.__path__, "edge."):
    if any(module.name.startswith(room) and find_spec(wanted) is None for room, wanted in OF_EXTRAS.items()):
        continue
    importlib.import_module(module.name)
    sys.stdout.write(f"{module.name}\n")
