"""Whether the runtimes and the Edge TPU can run a model: read from the file, without running it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from convert.targets import edgetpu_rules
from convert.targets.operators import OperatorTable, Target, read_table
from convert.tflite.graph import Graph, Operation, constant_bytes, read_graphs

if TYPE_CHECKING:
    from edge.inference.model_file import Model

ON_CHIP_BYTES = 8 << 20
"""Memory of an Edge TPU for parameters; what is over is streamed from the host (coral.ai/docs/edgetpu/compiler)."""

COMPILED = "edgetpu-custom-op"
"""The operator that the Edge TPU compiler leaves in place of all that it has mapped."""


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """An operation of graph number `graph`, and for each target why it cannot run there: nothing if it can."""

    graph: int
    operation: Operation
    complaints: Mapping[Target, str]


@dataclass(frozen=True, slots=True, eq=False)
class Check:
    """What was found for each operation; `parameter_bytes` are those of all constants, each counted once."""

    model: Model
    targets: tuple[Target, ...]
    tables: Mapping[Target, OperatorTable]
    findings: Sequence[Finding]
    parameter_bytes: int

    def runs(self, target: Target) -> int:
        """How many operations the target can run."""
        return sum(not finding.complaints[target] for finding in self.findings)

    def passes(self, target: Target) -> bool:
        """Whether the target can run all of them."""
        return self.runs(target) == len(self.findings)

    @property
    def warnings(self) -> list[str]:
        """Warnings of what works, but slowly."""
        if Target.EDGETPU not in self.targets or self.parameter_bytes <= ON_CHIP_BYTES:
            return []
        size, room = self.parameter_bytes / (1 << 20), ON_CHIP_BYTES >> 20
        return [f"the parameters take {size:.1f} MiB, the Edge TPU keeps {room}: it fetches the rest for each picture"]


def check(model: Model, targets: Sequence[Target]) -> Check:
    """Check a model for each target. Raises ModelDamaged or ModelUnsupported if the file cannot be read."""
    graphs = read_graphs(model)
    refusal = refuses_mediapipe(graphs) if Target.MEDIAPIPE in targets else ""
    tables = {Target(target): read_table(target) for target in targets if target is not Target.EDGETPU}
    mapping = list(map_to_edgetpu(graphs)) if Target.EDGETPU in targets else []
    findings: list[Finding] = []
    for graph, operation in _operations(graphs):
        complaints = {target: table.complaint(operation) for target, table in tables.items()}
        if mapping:
            complaints[Target.EDGETPU] = mapping[len(findings)]
        if refusal:
            complaints[Target.MEDIAPIPE] = refusal
        findings.append(Finding(graph, operation, complaints))
    return Check(model, tuple(targets), tables, findings, constant_bytes(graphs))


def map_to_edgetpu(graphs: Sequence[Graph]) -> Iterator[str]:
    """For each operation, in order, why it will run on the CPU; nothing where the Edge TPU will run it.

    The compiler maps one piece of the graph: the first operation that it cannot map sends all that follow to the CPU.
    """
    refusal = _refusal(graphs)
    stopped_by = ""
    for _, operation in _operations(graphs):
        if operation.name == COMPILED:
            yield ""
        elif refusal or stopped_by:
            yield refusal or stopped_by
        elif edgetpu_rules.starts_from_float(operation) and operation.inputs[0] in graphs[0].inputs:
            yield "makes int8 of a float input, which the CPU does"
        else:
            complaint = edgetpu_rules.complaint(operation)
            if complaint:
                stopped_by = f"comes after operation {operation.number} ({operation.name}), which is not mapped"
            yield complaint


def refuses_mediapipe(graphs: Sequence[Graph]) -> str:
    """Why MediaPipe's ImageClassifier does not take a file, whatever its operations; nothing if it does.

    See ai.google.dev/edge/mediapipe/solutions/vision/image_classifier: a batch of one RGB picture in, scores out.
    """
    inputs, outputs = graphs[0].inputs, graphs[0].outputs
    if len(inputs) != 1 or len(outputs) != 1:
        return f"MediaPipe expects one input and one output, the file has {len(inputs)} and {len(outputs)}"
    given, result = inputs[0], outputs[0]
    if len(given.shape) != 4 or given.shape[0] != 1 or given.shape[3] != 3:
        shape = "x".join(map(str, given.shape))
        return f"MediaPipe takes RGB, 1xHxWx3, not {shape}: convert quantize --target mediapipe writes such a variant"
    for what, tensor in (("takes pictures", given), ("reads scores", result)):
        if tensor.type not in {"UINT8", "FLOAT32"}:
            return f"MediaPipe {what} of UINT8 or FLOAT32, not {tensor.type}"
    return ""


def _refusal(graphs: Sequence[Graph]) -> str:
    """Reasons why the whole file cannot run on the Edge TPU."""
    operations = [operation for _, operation in _operations(graphs)]
    if any(operation.name == COMPILED for operation in operations):
        return "the compiler left it to the CPU"
    if len(graphs) != 1:
        return f"the file has {len(graphs)} graphs, expected one"
    for operation in operations:
        complaint = edgetpu_rules.version_complaint(operation)
        if complaint:
            return f"the compiler refuses the file: operation {operation.number} ({operation.name}) is {complaint}"
    return ""


def _operations(graphs: Sequence[Graph]) -> Iterator[tuple[int, Operation]]:
    for number, graph in enumerate(graphs):
        for operation in graph.operations:
            yield number, operation
