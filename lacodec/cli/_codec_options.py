"""Command-line flags from a codec's `Options` dataclass: fields -> flags, parsed arguments -> options.

A field's metadata may hold `help` and `choices`; its annotation decides the type, its default is shown.
"""

import argparse
import dataclasses
import types
import typing
from typing import Any

from lacodec.cli._files import UsageError
from lacodec.errors import LacodecError

_PREFIX = "codec_option_"
_PLAIN = (bool, int, float, str)


def peek_codec(argv: list[str]) -> str | None:
    """The value of `--codec` in `argv`, before the real parser (which needs the codec's flags) can exist."""
    for position, argument in enumerate(argv):
        if argument == "--":
            return None
        if argument == "--codec" and position + 1 < len(argv):
            return argv[position + 1]
        if argument.startswith("--codec="):
            return argument.removeprefix("--codec=")
    return None


def add_flags_of(parser: argparse.ArgumentParser, name: str) -> None:
    """Add the flags of the codec called `name`; raises UsageError for an unknown one."""
    from lacodec.codecs import registry

    try:
        options_class = registry.get(name).Options
    except LacodecError as error:
        raise UsageError(str(error)) from error
    add_codec_flags(parser, name, options_class)


def add_codec_flags(parser: argparse.ArgumentParser, name: str, options_class: type) -> None:
    """Add one flag per field of `options_class` to `parser`, but for flags that the verb has itself."""
    group = parser.add_argument_group(f"options of codec {name}")
    hints = typing.get_type_hints(options_class)
    for field in dataclasses.fields(options_class):
        kind, choices = _kind(hints[field.name])
        choices = field.metadata.get("choices", choices)
        settings: dict[str, Any] = {"dest": _PREFIX + field.name, "default": None, "help": _help(field)}
        if kind is bool:
            settings["action"] = argparse.BooleanOptionalAction
        else:
            settings |= {"type": kind, "choices": choices, "metavar": None if choices else kind.__name__.upper()}
        try:
            group.add_argument(f"--{field.name.replace('_', '-')}", **settings)
        except argparse.ArgumentError:  # the verb's own: `eval bpc --model` measures models
            continue


def given_options(args: argparse.Namespace) -> dict[str, Any]:
    """The options the user gave, by field name; the others keep the dataclass's defaults."""
    found = {key.removeprefix(_PREFIX): value for key, value in vars(args).items() if key.startswith(_PREFIX)}
    return {key: value for key, value in found.items() if value is not None}


def _kind(hint: Any) -> tuple[type, list[Any] | None]:
    """The type to parse a field with, and the choices of a Literal; of a union, the part that text can give."""
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        inner = [part for part in typing.get_args(hint) if part in _PLAIN or typing.get_origin(part) is typing.Literal]
        if len(inner) == 1:
            return _kind(inner[0])
    if typing.get_origin(hint) is typing.Literal:
        values = list(typing.get_args(hint))
        return type(values[0]), values
    if hint in _PLAIN:
        return hint, None
    raise TypeError(
        f"an option of type {hint} cannot become a flag; use bool, int, float, str, Literal, or a union with one of them"
    )


def _help(field: dataclasses.Field[Any]) -> str:
    text = str(field.metadata.get("help", "")).replace("%", "%%")
    has_default = field.default is not dataclasses.MISSING and field.default is not None
    return f"{text} (default {field.default})".strip() if has_default else text
