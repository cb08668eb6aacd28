"""Commands whose options may stand in a configuration file; what is on the command line wins."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from typer.core import TyperCommand, TyperOption

from edge.service.config_location import find_config
from edge.service.reload import remember

NAMED = "edge.cli.config"
"""In a context's `meta`: the file that `--config` names before the command."""

INPUTS = frozenset({"sources", "camera"})
"""Parameters that say what to classify: one of them on the command line replaces both of the file."""

ConfigMeaning = "Read options there; /etc/fmnist-edge.toml is read if it is there, /dev/null stands for none."


class ConfiguredCommand(TyperCommand):
    """A command that takes what is not on its command line from the file's table of its name.

    It has `--config`, and for every flag --x a hidden --no-x, by which the command line overrides the file.
    """

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        flags: list[Any] = [one for one in self.params if getattr(one, "is_flag", False)]
        self.params += [_Negation(flag) for flag in flags if not flag.secondary_opts]
        self.params.append(
            TyperOption(
                param_decls=["--config"],
                metavar="FILE",
                help=ConfigMeaning,
                is_eager=True,
                expose_value=False,
                callback=_read,
            )
        )

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As every command; then the file's sources, which older Clicks do not look up, and what replaces them."""
        rest = super().parse_args(ctx, args)
        if not ctx.default_map:
            return rest
        given = {name for name, value in ctx.params.items() if value and _on_command_line(ctx, name)}
        for one in self.params:
            parameter: Any = one
            name = parameter.name
            if name in INPUTS and INPUTS & given:
                ctx.default_map.pop(name, None)
            if name in given or not parameter.expose_value:
                continue
            if name in INPUTS and INPUTS & given:
                ctx.params[name] = parameter.process_value(ctx, parameter.get_default(ctx))
            elif parameter.nargs == -1 and name in ctx.default_map:
                ctx.params[name] = parameter.process_value(ctx, ctx.default_map[name])
        return rest


class _Negation(TyperOption):
    """The hidden --no-x of a flag --x: parsed, it is the flag's False."""

    def __init__(self, flag: Any) -> None:
        self._flag = flag.name
        names = [f"--no-{option.removeprefix('--')}" for option in flag.opts if option.startswith("--")]
        super().__init__(param_decls=names, is_flag=True, hidden=True, expose_value=False, default=False)

    def add_to_parser(self, parser: Any, ctx: Any) -> None:
        """Take the option's place in the parser, under the flag's name."""
        parser.add_option(obj=self, opts=self.opts, dest=self._flag, action="store_const", const=False)


def name_config(root: Any, named: Path | None) -> None:
    """Note the file of `--config` before the command, for the command; `root` is the program's context."""
    root.meta[NAMED] = named
    remember(named, partial(configured_commands, root.command))


def configured_commands(root: Any) -> dict[str, Any]:
    """The commands of a program that read the configuration file, by name."""
    return {name: one for name, one in root.commands.items() if isinstance(one, ConfiguredCommand)}


def _on_command_line(ctx: Any, name: str) -> bool:
    return bool(ctx.get_parameter_source(name).name == "COMMANDLINE")


def _read(ctx: Any, _parameter: Any, named: str | None) -> None:
    """Let the file's values be the defaults of the options that are parsed after this one. Raises ConfigInvalid."""
    if ctx.resilient_parsing:
        return
    file = Path(named) if named else ctx.meta.get(NAMED)
    commands = partial(configured_commands, ctx.find_root().command)
    if named:
        remember(file, commands)
    path = find_config(file)
    if path is None:
        return
    from edge.service.config_check import values_from

    values = values_from(path, commands())
    ctx.default_map = dict(values.get(ctx.info_name, {}))
