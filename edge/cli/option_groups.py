"""Options that belong together, as one dataclass: several commands take the same groups."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, get_type_hints


def takes_option_groups(command: Callable[..., None]) -> Callable[..., None]:
    """A command with an option for each field of its dataclass parameters.

    Typer reads the options from the signature that this writes: every parameter whose type is a dataclass is replaced
    by that dataclass's fields, with their annotations and defaults. When the command is called, the dataclasses are
    built from the options' values.
    """
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, Any] = {name: hint for name, hint in hints.items() if is_dataclass(hint)}
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(command).parameters.values():
        if parameter.name not in groups:
            parameters.append(parameter.replace(annotation=hints[parameter.name]))
            continue
        group = groups[parameter.name]
        of_group = get_type_hints(group, include_extras=True)
        parameters += [
            inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=inspect.Parameter.empty if field.default is MISSING else field.default,
                annotation=of_group[field.name],
            )
            for field in fields(group)
        ]

    def with_groups(**values: Any) -> None:
        built = {
            name: group(**{field.name: values.pop(field.name) for field in fields(group)})
            for name, group in groups.items()
        }
        command(**values, **built)

    with_groups.__name__ = command.__name__
    with_groups.__doc__ = command.__doc__
    with_groups.__module__ = command.__module__
    with_groups.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters} | {"return": None}
    signature = inspect.Signature([one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in parameters])
    with_groups.__signature__ = signature  # type: ignore[attr-defined]
    return with_groups
