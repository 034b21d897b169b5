"""The documents name what exists: files of the repository, modules, pages, headings."""

import fnmatch
import re
from pathlib import Path

import pytest

from docs import conf
from tools import make_reference

ROOT = Path(__file__).resolve().parent.parent
PAGES = [
    *sorted(ROOT.glob("*.md")),
    ROOT / "NOTICE",
    *(path for path in sorted((ROOT / "docs").rglob("*.md")) if "generated" not in path.parts),
    *sorted((ROOT / "lacodec").rglob("*.md")),
]
FOLDERS = ("benchmarks", "docs", "examples", "lacodec", "reference", "tests", "tools", ".ci", ".github")
OURS = (".py", ".npz", ".bin", ".sh", ".toml", ".yml")
# Names that stand for a reader's own files, and what is made and not kept.
THEIRS = ("my_package/", "site/", "docs/generated", ".venv", "legacy/v1.py", "pyproject.toml", "index.bin")


def parametrized(pages: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("page", pages, ids=lambda path: path.relative_to(ROOT).as_posix())


of_now = parametrized([page for page in PAGES if page.name != "CHANGELOG.md"])  # which names what was, too


def prose(page: Path) -> str:
    """Without fenced blocks: those are run, or quote something."""
    text = page.read_text()
    return text if page.name == "NOTICE" else re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def files() -> list[str]:
    found = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if "__pycache__" not in path.parts]
    found += [path for path in ROOT.iterdir() if path.is_file() or path.name in FOLDERS]
    return ["/" + path.relative_to(ROOT).as_posix() for path in found]


@of_now
def test_paths_exist(page: Path, files: list[str]) -> None:
    """In code spans, and bare where they begin with a folder of ours: whole, or the end of a path such as `entropy/rans.py`."""
    text = prose(page)
    spans = [word for span in re.findall(r"`([^`\n]+)`", text) for word in re.findall(r"[\w./*-]+", span)]
    bare = re.findall(rf"(?<![\w/.-])(?:{'|'.join(map(re.escape, FOLDERS))})/[\w./*-]*[\w*]", text)
    wanted = [word for word in spans if word.endswith(OURS) or word.startswith(tuple(f"{folder}/" for folder in FOLDERS))]
    missing = [
        word
        for word in dict.fromkeys(word.rstrip("/.") for word in wanted + bare)
        if not word.startswith(THEIRS) and word not in OURS and not fnmatch.filter(files, "*/" + word)
    ]
    assert not missing


@of_now
def test_modules_exist(page: Path) -> None:
    """`lacodec.some.name`: a module, or a name that stands in the module before it."""
    missing = [name for name in dict.fromkeys(re.findall(r"`(lacodec(?:\.\w+)+)", prose(page))) if not _exists(name)]
    assert not missing


def _exists(name: str) -> bool:
    if name.endswith((".whl", ".lac")):
        return True
    place = ROOT
    parts = name.split(".")
    for i, part in enumerate(parts):
        place = place / part
        if place.is_dir():
            continue
        module = place.with_suffix(".py")
        if module.is_file():
            place = module
        else:
            place = place.parent / "__init__.py"
            i -= 1
        rest = parts[i + 1 :]
        return place.is_file() and all(re.search(rf"\b{attribute}\b", place.read_text()) for attribute in rest)
    return True


@parametrized(PAGES)
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^()\s]+)\)", prose(page)):
        path, _, anchor = target.partition("#")
        if ":" in path or "generated/" in path:  # Sphinx checks what is generated
            continue
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in _anchors(file)):
            broken.append(target)
    assert not broken


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_every_page_is_in_the_site() -> None:
    listed = set(re.findall(r"^[\w/-]+$", (ROOT / "docs/index.md").read_text(), re.MULTILINE))
    pages = {path.relative_to(ROOT / "docs").with_suffix("").as_posix() for path in PAGES if path.is_relative_to(ROOT / "docs")}
    assert pages - {"index"} <= listed


def test_links_to_model_cards_lead_to_their_pages() -> None:
    """As Sphinx sees them: on the cards' own pages, and on those of docs/ after its event `source-read`."""
    cards = make_reference.cards()
    broken = []
    for page in (ROOT / "docs").glob("*.md"):
        content = [page.read_text()]
        conf._cards_are_here(None, page.stem, content)
        broken += re.findall(r"\]\((?:\.\./)+lacodec/\S+\.md\)", content[0])
        broken += [name for name in re.findall(r"\]\(/generated/(card-\S+?\.md)\)", content[0]) if name not in cards]
    for text in cards.values():
        targets = re.findall(r"\]\(([^():#\s]+\.md)\)", text)
        broken += [t for t in targets if t not in cards and not (ROOT / "docs/generated" / t).resolve().is_file()]
    assert not broken
