"""Imports run downward (docs/architecture.md), in no circles, and no package imports a private module of another one."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent / "lacodec"
LAYERS = [
    ("kernels", "entropy", "errors", "share"),
    ("container", "io"),
    ("models", "media"),
    ("codecs",),
    ("pipeline",),
    ("api", "testing"),
    ("evaluation", "training", "integrations", "datasets", "torch", "kv", "text"),
    ("cli", "__main__"),
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
MODULES = {
    ".".join(("lacodec", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(ROOT.rglob("*.py"))
}


@cache
def imports(module: str) -> frozenset[str]:
    """Our modules that it imports: anywhere in it, inside of functions too, but for those that only type checkers see."""
    found = set()
    for node in _nodes(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert not node.level, f"{module}: imports relatively"
            found |= {deep if (deep := f"{node.module}.{alias.name}") in MODULES else node.module for alias in node.names}
    return frozenset(found & MODULES.keys() - {"lacodec", module})


def _nodes(node: ast.AST):
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)):
            yield child
            yield from _nodes(child)


def level(module: str) -> int:
    return LEVEL[module.split(".")[1]] if module != "lacodec" else 9


def test_every_module_has_a_layer():
    assert {name.split(".")[1] for name in MODULES if name != "lacodec"} <= LEVEL.keys()


def test_imports_run_downward():
    assert not [f"{name} -> {other}" for name in MODULES for other in imports(name) if level(other) > level(name)]


def test_private_modules_stay_in_their_package():
    wrong = []
    for name in MODULES:
        for other in imports(name):
            parts = other.split(".")
            private = next((i for i, part in enumerate(parts) if part.startswith("_") and part != "__main__"), len(parts))
            if private < len(parts) and not f"{name}.".startswith(".".join(parts[:private]) + "."):
                wrong.append(f"{name} -> {other}")
    assert not wrong


def test_no_circles():
    done: set[str] = set()

    def visit(module: str, road: tuple[str, ...]) -> None:
        assert module not in road, " -> ".join((*road[road.index(module) :], module))
        if module not in done:
            for other in sorted(imports(module)):
                visit(other, (*road, module))
            done.add(module)

    for module in MODULES:
        visit(module, ())
