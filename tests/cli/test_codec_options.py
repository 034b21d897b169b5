"""Flags come from an Options dataclass, whatever plain types it has."""

import argparse
import os
from dataclasses import dataclass, field
from typing import Literal

import pytest

from lacodec.cli import main
from lacodec.cli._codec_options import add_codec_flags, given_options, peek_codec
from lacodec.codecs import registry


@dataclass(frozen=True)
class Options:
    effort: int = field(default=5, metadata={"help": "100 % of it"})
    mode: Literal["fast", "small"] = "fast"
    scale: float | None = None
    keep_order: bool = True
    label: str = field(default="x", metadata={"choices": ["x", "y"]})


def parse(*arguments: str) -> dict[str, object]:
    parser = argparse.ArgumentParser(exit_on_error=False)
    add_codec_flags(parser, "test", Options)
    parser.format_help()
    return given_options(parser.parse_args(arguments))


def test_only_what_was_given() -> None:
    assert parse() == {}
    assert parse("--effort", "3", "--no-keep-order", "--mode", "small") == {"effort": 3, "keep_order": False, "mode": "small"}
    assert parse("--scale=0.5", "--label", "y", "--keep-order") == {"scale": 0.5, "label": "y", "keep_order": True}


@pytest.mark.parametrize("wrong", [["--mode", "odd"], ["--effort", "x"], ["--label", "z"]])
def test_wrong_values(wrong: list[str]) -> None:
    with pytest.raises(argparse.ArgumentError):
        parse(*wrong)


def test_what_text_can_give() -> None:
    @dataclass(frozen=True)
    class Open:
        place: str | os.PathLike[str] | None = None

    parser = argparse.ArgumentParser()
    add_codec_flags(parser, "open", Open)
    assert given_options(parser.parse_args(["--place", "x"])) == {"place": "x"}
    for name in registry.names():  # every codec's options become flags
        add_codec_flags(argparse.ArgumentParser(), name, registry.get(name).Options)


def test_types_that_are_no_flags() -> None:
    @dataclass(frozen=True)
    class Odd:
        parts: list[int]

    with pytest.raises(TypeError, match="cannot become a flag"):
        add_codec_flags(argparse.ArgumentParser(), "odd", Odd)


def test_peek() -> None:
    assert peek_codec(["a", "--codec", "bytes", "b"]) == "bytes"
    assert peek_codec(["--codec=x.y"]) == "x.y"
    assert peek_codec(["a", "--", "--codec", "bytes"]) is None
    assert peek_codec(["--codec"]) is None


def test_a_flag_that_the_verb_has_itself_is_left_to_it(tmp_path, capsys):
    (tmp_path / "a.txt").write_text("It was late when they came home.\n")
    assert main(["eval", "bpc", "--codec", "text.lm", str(tmp_path / "a.txt")]) == 0
    assert "text.lm" in capsys.readouterr().out
