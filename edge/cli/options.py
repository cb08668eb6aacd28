"""Options that several commands share, and what they all do with them: open a model."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from edge.choices import EDGETPU_LIBRARY, Backend, Format, PixelRange
from edge.cli.completion import model_names
from edge.cli.option_groups import Option, OptionGroup
from edge.errors import BadOption
from edge.spec import Framing

if TYPE_CHECKING:
    from edge.inference.backends import Opened
    from edge.inference.classifier import Classifier
    from edge.inference.model_file import Model
    from edge.inference.trusted_keys import TrustedKeys

ModelOption = Annotated[
    str,
    Option("--model", "-m", autocompletion=model_names, help="A bundled model, a .tflite file or a folder."),
]
ThreadsOption = Annotated[
    int,
    Option(min=0, max=64, help="CPU threads of the runtime, or of pictures so many at a time; 0 stands for all cores."),
]
ViewsOption = Annotated[
    int,
    Option(min=1, max=8, help="Views of a garment that the model sees: by three masks, smaller, mirrored."),
]
DelegateOption = Annotated[str, Option(help="Edge TPU library of the Coral.")]


TrustedKeysOption = Annotated[
    Path | None,
    Option(metavar="DIR", help="Load only models that are signed by one of the keys (*.pub) there."),
]
TrustBundledOption = Annotated[
    bool, Option("--trust-bundled", help="With --trusted-keys: bundled models need no signature.")
]


class PlainOptions(OptionGroup):
    """What a .tflite of others takes and gives, which has no manifest to say so."""

    labels: Annotated[Path | None, Option(help="Labels for a plain .tflite: a text file, one a line.")] = None
    framing: Annotated[
        Framing | None, Option(help="How a frame becomes a plain .tflite's input; as the warning says if not given.")
    ] = None
    pixels: Annotated[
        PixelRange | None, Option(help="What pixels are in a plain .tflite's input: 0 to 255, 0 to 1, or -1 to 1.")
    ] = None

    @property
    def are_given(self) -> bool:
        """Whether any of them is."""
        return any(one is not None for one in (self.labels, self.framing, self.pixels))


class BackendOptions(OptionGroup):
    """What runs the model, and which models may run."""

    backend: Annotated[Backend, Option(help="Runtime; auto takes the first that works.")] = Backend.AUTO
    delegate: DelegateOption = EDGETPU_LIBRARY
    require_coral: Annotated[
        bool, Option("--require-coral", help="Never go on on the CPU: not at the start, and not later.")
    ] = False
    cpu_model: Annotated[
        Path | None,
        Option(
            metavar="FILE", help="The .tflite to go on with when the Coral fails; the one beside MODEL if not given."
        ),
    ] = None
    trusted_keys: TrustedKeysOption = None
    trust_bundled: TrustBundledOption = False


def cores_for(threads: int) -> int:
    """How many cores are to work: as many as this process may use for 0."""
    return threads or len(os.sched_getaffinity(0))


def trust_of(trusted_keys: Path | None, trust_bundled: bool) -> "TrustedKeys | None":
    """What model files are checked by, None for nothing. Raises BadOption."""
    if trusted_keys is None:
        if trust_bundled:
            raise BadOption("--trust-bundled without --trusted-keys", "--trusted-keys DIR")
        return None
    from edge.inference.trusted_keys import TrustedKeys

    return TrustedKeys(trusted_keys, trust_bundled)


def _warn_of_change(before: str, after: str, reason: str) -> None:
    import warnings

    warnings.warn(f"{after} goes on for {before}: {reason}", stacklevel=2)


def open_model(
    model: "Model",
    on: BackendOptions,
    threads: int = 1,
    plain: PlainOptions | None = None,
    views: int = 1,
    min_score: float | None = None,
    on_backend_change: Callable[[str, str, str], None] = _warn_of_change,
) -> "Classifier":
    """A classifier for a model that has been read. Raises ModelError, BackendUnavailable or BadOption."""
    from edge.inference.classifier import open_classifier
    from edge.inference.model_file import read_labels

    opened = open_on(model, on, threads, on_backend_change)
    told = plain or PlainOptions()
    names = read_labels(told.labels) if told.labels else ()
    return open_classifier(
        opened.model,
        opened.interpreter,
        names,
        framing=told.framing,
        pixels=told.pixels,
        views=views,
        min_score=min_score,
    )


def open_on(
    model: "Model",
    on: BackendOptions,
    threads: int = 1,
    on_backend_change: Callable[[str, str, str], None] = _warn_of_change,
) -> "Opened":
    """A model in the backend that the options ask for. Raises ModelError, BackendUnavailable or BadOption."""
    from edge.inference.backends import open_backend

    return open_backend(
        model,
        on_backend_change,
        on.backend,
        threads=cores_for(threads),
        delegate=on.delegate,
        cpu_model=on.cpu_model,
        require_coral=on.require_coral,
    )


def read_checked(model: str, on: BackendOptions) -> "Model":
    """Read a model file; with one that nothing vouches for, continue in a child process. Raises ModelError."""
    from edge.inference.model_file import read_model

    found = read_model(model, trust_of(on.trusted_keys, on.trust_bundled))
    if found.manifest is None:
        from edge.inference.sandbox import continue_in_child, crash_of_unknown

        continue_in_child(crash_of_unknown(found))
    return found


def refuse_csv(form: Format) -> None:
    """Raise BadOption for --format csv, where there are no predictions to list."""
    if form is Format.CSV:
        raise BadOption("--format csv is for predictions", "--format json")
