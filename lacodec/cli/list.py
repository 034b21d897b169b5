"""`lacodec list`: which codecs there are, what each restores, its options; which extras are installed."""

import argparse
import dataclasses
import inspect
import re
from typing import Any

from lacodec.cli._report import print_json, print_table

HELP = "list the codecs, their options and the installed extras"
USAGE = "[flags]"


def add_arguments(parser: argparse.ArgumentParser, argv: list[str]) -> None:
    """Flags of `list`."""
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")


def run(args: argparse.Namespace) -> int:
    """Print what there is."""
    codecs, extras = _codecs(), _extras()
    if args.json:
        print_json({"codecs": codecs, "extras": extras})
        return 0
    rows = [[c["name"], c["identical"], c["stream_version"], _flags(c["options"]), c["about"]] for c in codecs]
    print_table("codecs", ["name", "identical", "version", "options", "about"], [[str(cell) for cell in row] for row in rows])
    rows = [[extra, name, version or f"missing: pip install 'lacodec[{extra}]'"] for extra, name, version in _flat(extras)]
    if rows:
        print_table("extras", ["extra", "package", "installed"], rows)
    return 0


def _codecs() -> list[dict[str, Any]]:
    from lacodec.codecs import registry

    found = []
    for name in registry.names():
        codec = registry.get(name)
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
    except PackageNotFoundError:  # run from a checkout that was never installed: nothing tells what the extras are
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
