"""`lacodec list`: the codecs, the kind of identity that each restores, their options; the installed extras."""

import argparse
import dataclasses
import inspect
import re
from typing import Any

from lacodec.cli._report import complain, print_json, print_table

HELP = "list the codecs, their options and the installed extras"
USAGE = "[flags]"


def add_arguments(parser: argparse.ArgumentParser, argv: list[str]) -> None:
    """Flags of `list`."""
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")


def run(args: argparse.Namespace) -> int:
    """Print the tables."""
    broken: list[str] = []
    codecs, extras = _codecs(broken), _extras()
    for sentence in broken:
        complain(sentence)
    if args.json:
        print_json({"codecs": codecs, "extras": extras})
        return int(bool(broken))
    rows = [[c["name"], c["identical"], c["stream_version"], _flags(c["options"]), c["about"]] for c in codecs]
    print_table("codecs", ["name", "identical", "version", "options", "about"], [[str(cell) for cell in row] for row in rows])
    rows = [[extra, name, version or f"missing: pip install 'lacodec[{extra}]'"] for extra, name, version in _flat(extras)]
    if rows:
        print_table("extras", ["extra", "package", "installed"], rows)
    return int(bool(broken))


def _codecs(broken: list[str]) -> list[dict[str, Any]]:
    """The codecs; `broken` gets a sentence about each that cannot be loaded."""
    from lacodec.codecs import registry

    found = []
    for name in registry.names():
        try:
            codec = registry.get(name)
        except Exception as error:  # a package that is broken
            broken.append(f"codec {name!r} cannot be loaded: {type(error).__name__}: {error}")
            continue
        found.append(
            {
                "name": name,
                "stream_version": codec.stream_version,
                "identical": codec.identical,
                "about": (inspect.getdoc(codec) or "").split("\n", 1)[0],
                "options": {field.name: _default(field) for field in dataclasses.fields(codec.Options)},
            }
        )
    return found


def _extras() -> dict[str, dict[str, str | None]]:
    """Extra -> package -> installed version, None when it is missing."""
    from importlib.metadata import PackageNotFoundError, distribution

    extras: dict[str, dict[str, str | None]] = {}
    try:
        requirements = distribution("lacodec").requires or []
    except PackageNotFoundError:  # run from a checkout that was never installed: the extras are unknown
        return {}
    for requirement in requirements:
        match = re.match(r"([\w.-]+).*;.*extra\s*==\s*[\"']([\w-]+)[\"']", requirement)
        if match is None:
            continue
        name, extra = match.groups()
        try:
            version: str | None = distribution(name).version
        except PackageNotFoundError:
            version = None
        extras.setdefault(extra, {})[name] = version
    return extras


def _flat(extras: dict[str, dict[str, str | None]]) -> list[tuple[str, str, str | None]]:
    return [(extra, name, version) for extra, packages in extras.items() for name, version in packages.items()]


def _default(field: dataclasses.Field[Any]) -> Any:
    return None if field.default is dataclasses.MISSING else field.default


def _flags(options: dict[str, Any]) -> str:
    """Flags with their defaults: "--effort 5 --exact --base"."""
    shown = {name: "" if default is None or isinstance(default, bool) else f" {default}" for name, default in options.items()}
    return " ".join(f"--{name.replace('_', '-')}{default}" for name, default in shown.items())
