"""What a check found, and how all checks are run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum


class Status(StrEnum):
    """How a thing is: `warn` works but not as it should, or may not for long; `fail` does not work."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check. `mend` is the command, or the deed, that helps; empty where all is well."""

    status: Status
    found: str
    mend: str = ""
    name: str = ""


Check = Callable[[], Finding]
"""Looks at one thing of the machine."""


def ok(found: str) -> Finding:
    """All is well."""
    return Finding(Status.OK, found)


def warn(found: str, mend: str) -> Finding:
    """It works, but not as it should."""
    return Finding(Status.WARN, found, mend)


def fail(found: str, mend: str) -> Finding:
    """It does not work."""
    return Finding(Status.FAIL, found, mend)


def worst(findings: list[Finding]) -> Finding:
    """Several findings as one: all that was found, and the mend of the worst of them."""
    order = list(Status)
    gravest = max(findings, key=lambda one: order.index(one.status))
    return Finding(gravest.status, "; ".join(one.found for one in findings), gravest.mend)


def examine(checks: Mapping[str, Check]) -> Iterator[Finding]:
    """Run the checks one after the other. One that breaks ends none of the others: it is a failure, by its name."""
    for name, check in checks.items():
        yield replace(_run(check), name=name)


def _run(check: Check) -> Finding:
    try:
        return check()
    except Exception as error:  # whatever a strange machine makes of a check of ours
        return fail(
            f"the check itself broke: {type(error).__name__}: {error}",
            "a bug: report it, with the output of fmnist-edge doctor --format json",
        )
