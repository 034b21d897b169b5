"""The `lacodec` command, one module per verb; `main` parses the verb and turns errors into exit codes."""

from lacodec.cli._main import main

__all__ = ["main"]
