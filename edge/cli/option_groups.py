"""Options that belong together, as one class: several commands take the same groups.

Typer loads only when a command line is parsed: a start that has nothing to parse does without it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    import inspect
    from collections.abc import Callable


class Option:
    """What `typer.Option` is to be given: the option's names and settings."""

    __slots__ = ("names", "settings")

    def __init__(self, *names: str, **settings: Any) -> None:
        self.names = names
        self.settings = settings


class OptionGroup:
    """Options that belong together: an annotated class attribute for each, with its default.

    An attribute may be a group itself; it has no default. What is not given has its default. Subclasses stand in
    modules without `from __future__ import annotations`: their annotations are read at nearly every start, and
    evaluating texts takes longer than all else here. For the same reason they are no dataclasses.
    """

    def __init__(self, **values: Any) -> None:
        unknown = values.keys() - self.__annotations__.keys()
        if unknown:
            raise TypeError(f"{type(self).__name__} has no option {', '.join(sorted(unknown))}")
        groups = {name: one() for name, one in self.__annotations__.items() if _is_group(one) and name not in values}
        self.__dict__.update(groups | values)


def takes_option_groups(command: Callable[..., None]) -> Callable[..., None]:
    """A command with an option for each attribute of its OptionGroup parameters; every Option becomes one of Typer's.

    Typer reads the options from the signature that this writes: every parameter whose type is a group is replaced by
    that group's options, with their annotations and defaults. When the command is called, the groups are built from the
    options' values.
    """
    import inspect

    hints = get_type_hints(command, include_extras=True)
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(command).parameters.values():
        hint = hints[parameter.name]
        parameters += _options(hint) if _is_group(hint) else [parameter.replace(annotation=_for_typer(hint))]

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
    from inspect import Parameter

    found: list[inspect.Parameter] = []
    for name, annotation in group.__annotations__.items():
        if _is_group(annotation):
            found += _options(annotation)
        else:
            default = getattr(group, name)
            found.append(Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=_for_typer(annotation)))
    return found


def _for_typer(annotation: Any) -> Any:
    """An annotation with typer.Option in the place of our own Option."""
    if get_origin(annotation) is not Annotated:
        return annotation
    import typer

    kind, *notes = get_args(annotation)
    options = [typer.Option(*one.names, **one.settings) if isinstance(one, Option) else one for one in notes]
    return Annotated[kind, *options]


def _built(group: type[OptionGroup], values: dict[str, Any]) -> OptionGroup:
    """The group, out of the values of its options, which are taken from `values`."""
    return group(
        **{
            name: _built(annotation, values) if _is_group(annotation) else values.pop(name)
            for name, annotation in group.__annotations__.items()
        }
    )
