"""Optional extras: which are installed, for your information."""

from __future__ import annotations

import importlib.metadata
import re

from edge.service.doctor.finding import Finding, ok

WORKSHOP = ("dev",)
"""Extras that nobody needs who uses the package."""


def extras(distribution: str = "fmnist-edge") -> Finding:
    """The extras that the installed package offers; the package's own metadata name them and what they bring."""
    try:
        requirements = importlib.metadata.requires(distribution) or []
        offered = importlib.metadata.metadata(distribution).get_all("Provides-Extra") or []
    except importlib.metadata.PackageNotFoundError:
        return ok("run from its source: which extras there are is not known")
    installed: list[str] = []
    missing: list[str] = []
    for extra in offered:
        if extra not in WORKSHOP:
            names = [found[1] for line in requirements if (found := _of_extra(line, extra))]
            (installed if all(map(_is_installed, names)) else missing).append(extra)
    return ok(f"installed: {', '.join(installed) or 'none'}; not installed: {', '.join(missing) or 'none'}")


def _of_extra(requirement: str, extra: str) -> re.Match[str] | None:
    """The match with a requirement's package, if it belongs to an extra: pillow-heif>=1.0; extra == 'heic'."""
    return re.match(rf"([\w.-]+).*extra == ['\"]{re.escape(extra)}['\"]", requirement)


def _is_installed(distribution: str) -> bool:
    try:
        importlib.metadata.distribution(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
