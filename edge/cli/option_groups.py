"""Options that belong together, as one class: several commands take the same groups."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, get_type_hints


class OptionGroup:
    """Options that belong together: an annotated class attribute for each, with its default.

    An attribute may be a group itself; it has no default. Subclasses stand in modules without
    `from __future__ import annotations`: their annotations are read at every start, and evaluating texts takes longer
    than all else here. For the same reason they are no dataclasses.
    """

    def __init__(self, **values: Any) -> None:
        unknown = values.keys() - self.__annotations__.keys()
        if unknown:
            raise TypeError(f"{type(self).__name__} has no option {', '.join(sorted(unknown))}")
        self.__dict__.update(values)


def takes_option_groups(command: Callable[..., None]) -> Callable[..., None]:
    """A command with an option for each attribute of its OptionGroup parameters.

    Typer reads the options from the signature that this writes: every parameter whose type is a group is replaced by
    that group's options, with their annotations and defaults. When the command is called, the groups are built from the
    options' values.
    """
    hints = get_type_hints(command, include_extras=True)
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(command).parameters.values():
        hint = hints[parameter.name]
        parameters += _options(hint) if _is_group(hint) else [parameter.replace(annotation=hint)]

    def with_groups(**values: Any) -> None:
        built = {name: _built(hint, values) for name, hint in hints.items() if _is_group(hint)}
        command(**values, **built)

    with_groups.__name__ = command.__name__
    with_groups.__doc__ = command.__doc__
    with_groups.__module__ = command.__module__
    with_groups.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters} | {"return": None}
    signature = inspect.Signature([one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in parameters])
    with_groups.__signature__ = signature  # type: ignore[attr-defined]
    return with_groups


def _is_group(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, OptionGroup)


def _options(group: type[OptionGroup]) -> list[inspect.Parameter]:
    """A parameter for each option of a group, in order."""
    found: list[inspect.Parameter] = []
    for name, annotation in group.__annotations__.items():
        if _is_group(annotation):
            found += _options(annotation)
        else:
            default = getattr(group, name)
            found.append(
                inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
            )
    return found


def _built(group: type[OptionGroup], values: dict[str, Any]) -> OptionGroup:
    """The group, out of the values of its options, which are taken from `values`."""
    return group(
        **{
            name: _built(annotation, values) if _is_group(annotation) else values.pop(name)
            for name, annotation in group.__annotations__.items()
        }
    )
