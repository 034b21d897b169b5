"""Write the completion of shells for all verbs and flags, from the parser of the command: `python -m tools.make_completion`."""

import argparse
from pathlib import Path

from lacodec.cli import _main

FOLDER = Path(__file__).resolve().parent.parent / "lacodec/share"


def flags() -> dict[str, list[argparse.Action]]:
    """The options of each verb."""
    found = {}
    for verb in _main._VERBS:
        _, parser = _main._parsers([verb])
        found[verb] = [action for action in parser._actions if action.option_strings]
    return found


def completions() -> dict[str, str]:
    """Name of the file -> its text."""
    known = flags()
    return {"lacodec.bash": _bash(known), "lacodec.zsh": _zsh(known), "lacodec.fish": _fish(known)}


def _bash(known: dict[str, list[argparse.Action]]) -> str:
    cases = "\n".join(
        f'        {verb}) words="{" ".join(word for action in actions for word in action.option_strings)}" ;;'
        for verb, actions in known.items()
    )
    return f"""\
# Completion for bash: lacodec system-file bash > ~/.local/share/bash-completion/completions/lacodec
_lacodec() {{
    local words current="${{COMP_WORDS[COMP_CWORD]}}"
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W "{" ".join(known)} --help --version" -- "$current")
        return
    fi
    case "${{COMP_WORDS[1]}}" in
{cases}
        *) words="" ;;
    esac
    if [[ "$current" == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
    fi
}}
complete -o default -F _lacodec lacodec
"""


def _zsh(known: dict[str, list[argparse.Action]]) -> str:
    verbs = "\n".join(f"        {_quoted(f'{verb}:{_main._module(verb).HELP}')}" for verb in known)
    cases = "\n".join(
        "        {})\n            _arguments '*:file:_files' \\\n{} ;;".format(
            verb, " \\\n".join(f"                {spec}" for action in actions for spec in _zsh_specs(action))
        )
        for verb, actions in known.items()
    )
    return f"""\
#compdef lacodec
# Completion for zsh: lacodec system-file zsh > a file _lacodec in a folder of $fpath
_lacodec() {{
    local -a verbs
    verbs=(
{verbs}
    )
    if (( CURRENT == 2 )); then
        _describe verb verbs
        return
    fi
    local verb=$words[2]
    (( CURRENT-- ))
    shift words
    case $verb in
{cases}
    esac
}}
compdef _lacodec lacodec
"""


def _zsh_specs(action: argparse.Action) -> list[str]:
    about = (action.help or "").replace("%%", "%").replace("[", "(").replace("]", ")").replace(":", "\\:")
    values = f"({' '.join(map(str, action.choices))})" if action.choices else "_files"
    after = "" if action.nargs == 0 else f":value:{values}"
    return [_quoted(f"{word}[{about}]{after}") for word in action.option_strings]


def _fish(known: dict[str, list[argparse.Action]]) -> str:
    lines = ["# Completion for fish: lacodec system-file fish > ~/.config/fish/completions/lacodec.fish"]
    for verb, actions in known.items():
        lines.append(f"complete -c lacodec -n __fish_use_subcommand -a {verb} -d {_quoted(_main._module(verb).HELP)}")
        for action in actions:
            words = [f"-l {word[2:]}" if word.startswith("--") else f"-s {word[1:]}" for word in action.option_strings]
            value = "" if action.nargs == 0 else " -r"
            choices = f" -a {_quoted(' '.join(map(str, action.choices)))}" if action.choices else ""
            about = (action.help or "").replace("%%", "%")
            seen = f"-n '__fish_seen_subcommand_from {verb}'"
            lines.append(f"complete -c lacodec {seen} {' '.join(words)}{value}{choices} -d {_quoted(about)}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


if __name__ == "__main__":
    for name, text in completions().items():
        (FOLDER / name).write_text(text)
