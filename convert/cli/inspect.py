"""The command `convert inspect`: what a .tflite file holds, read without TensorFlow and without running it."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from convert.cli.check import Listing
from edge.cli import console
from edge.errors import ModelUnsupported

if TYPE_CHECKING:
    from convert.tflite.graph import Graph, Operation, Tensor
    from edge.inference.model_file import Model

INSPECT_VERSION = 1


def inspect(
    model: Annotated[str, typer.Argument(help="A .tflite file of any origin, or a bundled model's name.")],
    output_format: Annotated[
        Listing, typer.Option("--format", "-f", help="A table for people, or JSON for programs.")
    ] = Listing.TABLE,
) -> None:
    """Show a model's operations with shapes, types and scales, its inputs and outputs, and what its manifest says."""
    console.require_extra("convert", ("flatbuffers",))
    from convert.pipe_console import PipeConsole
    from convert.tflite.graph import constant_bytes, read_graphs
    from edge.inference.model_file import read_model

    found = read_model(model)
    graphs = read_graphs(found)
    screen = PipeConsole(sys.stdout)
    if output_format is Listing.JSON:
        screen.say_json(json.dumps(_document(found, graphs), indent=1, ensure_ascii=False))
        return
    for graph in graphs:
        screen.print(_table(found, graph))
    screen.say(f"{len(found.flatbuffer):,} bytes, {constant_bytes(graphs):,} of them constants")
    for line in _facts(found):
        screen.say(line)


def _table(model: Model, graph: Graph) -> Any:
    from rich.table import Table

    table = Table(title=model.name)
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("operator", no_wrap=True)
    table.add_column("v", justify="right", no_wrap=True)
    table.add_column("output", no_wrap=True)
    table.add_column("type", no_wrap=True)
    table.add_column("scale, zero point", no_wrap=True)
    table.add_column("constants", justify="right", no_wrap=True)
    for tensor in graph.inputs:
        table.add_row("", "input", "", _shape(tensor), tensor.type, _quantisation(tensor), "")
    for operation in graph.operations:
        out = operation.outputs[0] if operation.outputs else None
        table.add_row(
            str(operation.number),
            operation.name,
            str(operation.version),
            _shape(out) if out else "",
            out.type if out else "",
            _quantisation(out) if out else "",
            " + ".join(_shape(tensor) for tensor in _constants(operation)),
        )
    return table


def _facts(model: Model) -> list[str]:
    """What the manifest says, for people."""
    if model.manifest is None:
        return [f"labels: {', '.join(model.labels) or 'none'}", "no manifest: its accuracy is not known"]
    try:
        accuracy, provenance = model.manifest["accuracy"], model.manifest["provenance"]
        return [
            f"labels: {', '.join(model.labels)}",
            *_sees(model),
            f"accuracy: {accuracy['int8']:.2%} on {accuracy['data']}, its float parent {accuracy['float']:.2%}",
            f"trained by: {provenance['command'] or 'not recorded'}",
            f"converted by: {provenance['convert_command']}",
            f"SHA-256 of the flatbuffer: {model.manifest['sha256']}",
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise ModelUnsupported(
            f"{model.path}: its manifest lacks accuracy or provenance: {error!r}", "convert it with `convert quantize`"
        ) from error


def _sees(model: Model) -> list[str]:
    """How it sees pictures, where that is not as Fashion-MNIST shows them."""
    from convert.inputs.framing import in_words
    from edge.spec import Framing

    image = model.image
    if image is None or image.framing is Framing.GARMENT_GREY:
        return []
    return [f"sees: {image.framing}: {in_words(image)}, pixels {image.low:g}..{image.high:g}"]


def _document(model: Model, graphs: tuple[Graph, ...]) -> dict[str, Any]:
    from convert.tflite.graph import constant_bytes

    return {
        "v": INSPECT_VERSION,
        "model": model.name,
        "bytes": len(model.flatbuffer),
        "constant_bytes": constant_bytes(graphs),
        "labels": list(model.labels),
        "manifest": model.manifest,
        "graphs": [
            {
                "inputs": [_tensor(tensor) for tensor in graph.inputs],
                "outputs": [_tensor(tensor) for tensor in graph.outputs],
                "operations": [
                    {
                        "number": operation.number,
                        "operator": operation.name,
                        "version": operation.version,
                        "outputs": [_tensor(tensor) for tensor in operation.outputs],
                        "constants": [_tensor(tensor) for tensor in _constants(operation)],
                    }
                    for operation in graph.operations
                ],
            }
            for graph in graphs
        ],
    }


def _tensor(tensor: Tensor) -> dict[str, Any]:
    return {
        "name": tensor.name,
        "type": tensor.type,
        "shape": list(tensor.shape),
        "scale": tensor.scale,
        "zero_point": tensor.zero_point,
        "scales": tensor.scales,
    }


def _constants(operation: Operation) -> list[Tensor]:
    return [tensor for tensor in operation.inputs if tensor is not None and tensor.constant is not None]


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "scalar"


def _quantisation(tensor: Tensor) -> str:
    if not tensor.scales:
        return ""
    return f"{tensor.scale:.6g}, {tensor.zero_point}" if tensor.scales == 1 else f"{tensor.scales} of them"
