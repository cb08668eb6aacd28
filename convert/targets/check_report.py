"""The results of a check: a table for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TextIO

from rich.table import Table

from convert.pipe_console import PipeConsole
from convert.targets.check import Check
from convert.targets.operators import Target
from convert.targets.runtimes import TargetRun

CHECK_VERSION = 1


def show(check: Check, stream: TextIO, runs: Sequence[TargetRun] = ()) -> None:
    """Print a line for each operation, then one for each target, each run and each warning."""
    console = PipeConsole(stream)
    console.print(_table(check))
    for target in check.targets:
        console.say(summary(check, target))
    for run in runs:
        console.say(str(run))
    for warning in check.warnings:
        console.say(f"warning: {warning}")


def summary(check: Check, target: Target) -> str:
    """One sentence on a target: how many of the operations it runs."""
    operations, runs = len(check.findings), check.runs(target)
    share = f"all {operations} operations" if check.passes(target) else f"{runs} of {operations} operations"
    if target is Target.EDGETPU:
        memory = f"{check.parameter_bytes / (1 << 20):.2f} MiB of parameters"
        return f"{target}: {share} would be mapped, by Coral's rules for compiler 16.0; {memory}"
    return f"{target}: {check.tables[target].runtime} has {share}"


def to_json(check: Check, runs: Sequence[TargetRun] = ()) -> str:
    """All results as a JSON document. A null complaint means that the operation runs."""
    ran = {run.target: run.facts for run in runs}
    document = {
        "v": CHECK_VERSION,
        "model": check.model.name,
        "passes": all(check.passes(target) for target in check.targets) and not any(run.complaint for run in runs),
        "targets": {
            target: {
                "passes": check.passes(target),
                "runs": check.runs(target),
                "operations": len(check.findings),
                "table": check.tables[target].runtime if target in check.tables else None,
                "run": ran.get(target),
            }
            for target in check.targets
        },
        "parameter_bytes": check.parameter_bytes,
        "warnings": check.warnings,
        "operations": [
            {
                "graph": finding.graph,
                "number": finding.operation.number,
                "operator": finding.operation.name,
                "version": finding.operation.version,
                "shape": list(finding.operation.shape),
                "complaints": {target: finding.complaints[target] or None for target in check.targets},
            }
            for finding in check.findings
        ],
    }
    return json.dumps(document, indent=1, ensure_ascii=False)


def _table(check: Check) -> Table:
    table = Table(title=check.model.name)
    several = any(finding.graph for finding in check.findings)
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("operator", no_wrap=True)
    table.add_column("v", justify="right", no_wrap=True)
    table.add_column("output", overflow="fold")
    for target in check.targets:
        table.add_column(target.replace("-", "-\n"), no_wrap=True)
    troubled = not all(check.passes(target) for target in check.targets)
    if troubled:
        table.add_column("why not", overflow="fold")
    for finding in check.findings:
        operation = finding.operation
        number = f"{finding.graph}:{operation.number}" if several else str(operation.number)
        verdicts = ["no" if finding.complaints[target] else "yes" for target in check.targets]
        said = [f"{target}: {finding.complaints[target]}" for target in check.targets if finding.complaints[target]]
        row = [number, operation.name, str(operation.version), "x".join(map(str, operation.shape)), *verdicts]
        table.add_row(*row, *(["\n".join(said)] if troubled else []))
    return table
