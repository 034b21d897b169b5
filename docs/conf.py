"""Sphinx: `make docs` builds docs/ into site/, with warnings as errors. Pages are Markdown (MyST).

What lies in docs/generated is made from the code by tools/make_reference.py.
"""

import importlib.metadata
import re

project = "lacodec"
author = "The lacodec authors"
copyright = "2026, The lacodec authors"
release = importlib.metadata.version("lacodec")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_copybutton"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["generated/README.md"]
html_theme = "furo"
html_title = f"lacodec {release}"
html_theme_options = {"navigation_with_keys": True}

# Docstrings write `name` for code, as Markdown does.
default_role = "code"
autodoc_mock_imports = ["torch", "transformers", "triton"]
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 100

myst_heading_anchors = 3
myst_links_external_new_tab = False
copybutton_exclude = ".linenos, .gp, .go"


def _markdown_in_spirit(app, what, name, obj, options, lines):
    """Docstrings are plain text with `code`, not reStructuredText.

    Indented lines after a blank line are code too, without the `::` that Sphinx wants; stars, bars and trailing underscores are
    only characters.
    """
    out = []
    for i, line in enumerate(lines):
        starts = line.startswith("    ") and i > 1 and not lines[i - 1].strip()
        before = next((earlier for earlier in reversed(lines[:i]) if earlier.strip()), "")
        if starts and not before.startswith((" ", "..", "- ")) and not before.endswith("::"):
            out += ["::", ""]
        if not line.startswith("    "):
            parts = line.split("`")  # every second one is code
            parts[::2] = [re.sub(r"[*|]|(?<=\w)_(?!\w)", r"\\\g<0>", part) for part in parts[::2]]
            line = "`".join(parts)
        out.append(line)
    lines[:] = out


_LONG = {
    r"_Buffer \| _SupportsArray\[.*?\] \| _NestedSequence\[.*?\]\] \|.*?_NestedSequence\[complex \| bytes \| str\]": "ArrayLike",
    r"type\[Any\] \| dtype\[Any\] \| _HasDType.*?\| _DTypeDict \| str": "DTypeLike",
    r"ndarray\[tuple\[Any, \.\.\.\], dtype\[Any\]\]": "ndarray",
    r"ndarray\[tuple\[Any, \.\.\.\], (dtype\[\w+\])\]": r"ndarray[\1]",
}


def _short_types(app, what, name, obj, options, signature, returns):
    """numpy's aliases, which autodoc spells out."""
    for pattern, short in _LONG.items():
        signature, returns = (re.sub(pattern, short, text) if text else text for text in (signature, returns))
    return signature, returns


def _cards_are_here(app, docname, content):
    """Links to model cards, which lie beside their models, lead to the copies that tools/make_reference.py makes."""
    content[0] = re.sub(
        r"\]\((?:\.\./)+lacodec/(?:\w+/)*(\w+)/(\w+)/([\w-]+)\.md\)", r"](/generated/card-\1-\2-\3.md)", content[0]
    )


def setup(app):
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", _markdown_in_spirit)
    app.connect("autodoc-process-signature", _short_types)
    app.connect("source-read", _cards_are_here)
