"""`lacodec train`: data -> a trained model. Each recipe has a module; `_training` holds the shared parts."""

import argparse

from lacodec.cli import _train_image, _train_pc, _train_text, _train_walloc
from lacodec.cli._training import add_run_flags

HELP = "train a model, on your own data too"
USAGE = "RECIPE [flags]"

_RECIPES = {"image": _train_image, "text": _train_text, "pc": _train_pc, "walloc": _train_walloc}


def add_arguments(parser: argparse.ArgumentParser, argv: list[str]) -> None:
    """The recipes, each with its flags."""
    recipes = parser.add_subparsers(prog="lacodec train", dest="recipe", required=True, metavar="RECIPE")
    for name, module in _RECIPES.items():
        usage = f"lacodec train {name} {module.USAGE}"
        recipe = recipes.add_parser(name, help=module.HELP, usage=usage, description=module.DESCRIPTION, allow_abbrev=False)
        if name in argv:
            module.add_arguments(recipe)
            if module not in (_train_pc, _train_walloc):  # they have no checkpoints
                add_run_flags(recipe, module.options_class(), module.THREADS, f"checkpoints/{name}")


def run(args: argparse.Namespace) -> int:
    """Train by the chosen recipe."""
    code: int = _RECIPES[args.recipe].run(args)
    return code
