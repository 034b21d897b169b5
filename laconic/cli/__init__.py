"""The `laconic` command, one module per verb; `main` parses the verb and turns errors into exit codes."""

from laconic.cli._main import main

__all__ = ["main"]
