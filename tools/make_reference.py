"""Write the pages of the documentation that follow from the code: the command line from `--help`, the API from
`__all__`; and those in the repository's root.

    python tools/make_reference.py docs/generated

`make docs` runs it before Sphinx. Its output is not kept in the repository, so it cannot disagree with the code.
"""

import contextlib
import importlib.util
import inspect
import io
import os
import re
import sys
from pathlib import Path
from types import ModuleType

import lacodec
from lacodec.cli import _main
from lacodec.codecs import registry

_ROOT = Path(__file__).resolve().parent.parent
_WIDTH = 96

# Page -> title, subject, modules. `lacodec` itself has its own page, sorted.
_PAGES = {
    "api-codec": (
        "Writing codecs",
        "What a codec from another package builds on. [Your own codec](../tutorials/own-codec.md) shows how.",
        [
            "lacodec.codecs.base",
            "lacodec.codecs.blocks",
            "lacodec.codecs.regions",
            "lacodec.codecs.options",
            "lacodec.codecs.embedded",
            "lacodec.codecs.references",
            "lacodec.codecs.registry",
            "lacodec.media.base",
            "lacodec.io.source",
            "lacodec.kernels.jit",
        ],
    ),
    "api-testing": ("`lacodec.testing`", "What a codec author checks with.", ["lacodec.testing"]),
    "api-torch": ("`lacodec.torch`", "Needs the extra `lacodec[learned]`.", ["lacodec.torch"]),
    "api-kv": (
        "`lacodec.kv`",
        "Models and tensors need the extra `lacodec[learned]`, caches of transformers the extra `lacodec[transformers]`.",
        ["lacodec.kv"],
    ),
    "api-pillow": (
        "`lacodec.integrations.pillow`",
        "Pictures in `.lac` files for programs that use Pillow. [Photos](../tutorials/photos.md) shows how.",
        ["lacodec.integrations.pillow"],
    ),
    "api-entropy": (
        "Entropy coding",
        "The coding core, usable on its own. [Architecture](../architecture.md) says how its parts fit together.",
        [
            "lacodec.entropy.rans",
            "lacodec.entropy.tables",
            "lacodec.entropy.distributions",
            "lacodec.entropy.segments",
            "lacodec.entropy.bits",
            "lacodec.entropy.mixing",
            "lacodec.entropy.mixing_state",
        ],
    ),
    "api-container": ("Container", "Chunks in, a file out, and back. [The format](../format.md).", ["lacodec.container"]),
}
# Verbs whose flags are those of the next argument.
_SUB_VERBS = {"eval": [["rd"]], "train": [["image"], ["text"]]}
# Classes after the functions of a page.
_CLASSES = {
    "api-torch": [("lacodec.integrations.torch.files", "SafeOpen"), ("lacodec.integrations.torch.coded_model", "CodedModel")],
}


def main() -> int:
    """Write all pages."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.md"):
        old.unlink()
    (folder / "cli.md").write_text(_command_line())
    (folder / "api.md").write_text(_top_level())
    for name, (title, about, modules) in _PAGES.items():
        present = [module for module in modules if importlib.util.find_spec(module)]
        text = f"# {title}\n\n{about}\n"
        text += "".join(_module(module, heading=len(modules) > 1) for module in present)
        text += "".join(_directive("autoclass", *place, members=True) for place in _CLASSES.get(name, []))
        (folder / f"{name}.md").write_text(text if present else f"# {title}\n\nNot in this version.\n")
    for name in ("CHANGELOG", "CONTRIBUTING", "SECURITY"):
        (folder / f"{name.lower()}.md").write_text(_moved((_ROOT / f"{name}.md").read_text()))
    for name, text in cards().items():
        (folder / name).write_text(text)
    return 0


def cards() -> dict[str, str]:
    """Model cards, which lie beside their models, as pages of the documentation: file name -> text."""
    pages = {}
    for card in (_ROOT / "lacodec").rglob("*.md"):
        place = "-".join(card.relative_to(_ROOT).parts[-3:-1])
        text = card.read_text().replace("](../../../../docs/", "](../")
        text = re.sub(r"\]\(([\w-]+\.md)\)", rf"](card-{place}-\1)", text)  # to other cards beside it
        pages[f"card-{place}-{card.stem}.md"] = f"---\norphan: true\n---\n\n{text}"
    return pages


def _moved(text: str) -> str:
    """A page of the repository's root with its links as seen from the docs folder."""
    text = re.sub(r"\]\((NOTICE|LICENSE)\)", "](../licence.md)", text)
    text = re.sub(r"\]\(docs/", "](../", text)
    text = re.sub(r"\]\(([A-Z]+)\.md\)", lambda found: f"]({found[1].lower()}.md)", text)
    return re.sub(r"\]\((?!https?:|\.\./|#|[a-z]+\.md)", "](../../", text)


def _command_line() -> str:
    text = "# The command\n\nWhat `--help` says. Exit codes: 0 success, 1 failure, 2 wrong usage, 130 interrupted.\n"
    text += f"\n## lacodec\n\n{_help()}"
    for verb in _main._VERBS:
        for sub in _SUB_VERBS.get(verb, [[]]):
            text += f"\n## lacodec {' '.join([verb, *sub])}\n\n{_help(verb, *sub)}"
        if verb == "encode":
            for name in registry.names():
                text += (
                    f"\n### lacodec encode --codec {name}\n\n{_help(verb, '--codec', name, after=f'options of codec {name}:')}"
                )
    return text


def _help(*arguments: str, after: str = "") -> str:
    """The output of `lacodec ARGUMENTS --help`, or its part that begins with `after`."""
    os.environ["COLUMNS"] = str(_WIDTH)
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        _main.main([*arguments, "--help"])
    text = out.getvalue()
    start = text.index(after)
    return f"```text\n{text[start:].strip()}\n```\n"


def _top_level() -> str:
    """`lacodec`: functions, values and results, errors. The rest of `lacodec.api` is described too."""
    from lacodec import api, errors

    names = dict.fromkeys(lacodec.__all__, "lacodec")
    names |= {name: "lacodec.api" for name, item in _members(api) if name not in names and _own(item)}
    parts: dict[str, list[str]] = {
        "Functions": [],
        "Values and results": [],
        "Errors": [inspect.cleandoc(errors.__doc__ or "") + "\n\n"],
    }
    for name, module in sorted(names.items(), key=lambda pair: (pair[1], pair[0])):
        item = getattr(api if module == "lacodec.api" else lacodec, name)
        if not inspect.isclass(item):
            parts["Functions"].append(_directive("autofunction", module, name))
        elif issubclass(item, errors.LacodecError):
            parts["Errors"].append(_directive("autoexception", module, name, bases=True))
        else:
            parts["Values and results"].append(_directive("autoclass", module, name, members=True))
    text = "# `lacodec`\n\n" + inspect.cleandoc(lacodec.__doc__ or "").split("\n\n", 1)[0] + "\n"
    return text + "".join(f"\n## {title}\n\n" + "".join(part) for title, part in parts.items())


def _own(item: object) -> bool:
    """Whether something in `lacodec.api` is described there, rather than on another page."""
    return not getattr(item, "__module__", "").startswith("lacodec.container")


def _members(module: ModuleType) -> list[tuple[str, object]]:
    """The exports of a module: its `__all__`, else its definitions."""
    names = getattr(module, "__all__", None)
    if names is None:
        names = [
            name for name, item in vars(module).items() if getattr(item, "__module__", "") == module.__name__ and name[0] != "_"
        ]
    return [(name, getattr(module, name)) for name in names]


def _module(name: str, *, heading: bool) -> str:
    head = f"\n## `{name}`\n\n" if heading else "\n"
    return head + _fenced(f".. automodule:: {name}\n   :members:\n   :member-order: bysource\n")


def _directive(kind: str, module: str, name: str, *, members: bool = False, bases: bool = False) -> str:
    options = ("   :members:\n   :member-order: bysource\n" if members else "") + ("   :show-inheritance:\n" if bases else "")
    return _fenced(f".. {kind}:: {module}.{name}\n{options}")


def _fenced(text: str) -> str:
    return f"```{{eval-rst}}\n{text}```\n\n"


if __name__ == "__main__":
    sys.exit(main())
