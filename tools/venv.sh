#!/bin/sh
# venv.sh PYTHON FOLDER: makes a virtual environment with pip, mends one without, or says in one line what is missing and leaves nothing
# behind. Debian's python3 makes environments without pip where the package python3-venv is not installed.
set -eu
python=$1 folder=$2

fail() {
    echo "$1" >&2
    exit 1
}

works() { "$folder/bin/python" -m pip --version >/dev/null 2>&1; }

works && exit 0
command -v "$python" >/dev/null || fail "$python was not found. Install Python 3.11 or later (Debian, Ubuntu: apt install python3 python3-venv), or name another one: make PYTHON=..."
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || fail "$("$python" --version) is too old: lacodec needs 3.11 or later. Name another one: make PYTHON=..."
"$python" -c 'import ensurepip, venv' 2>/dev/null || fail "$python cannot make virtual environments. Install its venv package (Debian, Ubuntu: apt install $(basename "$python")-venv) and run make again."

if [ -e "$folder" ]; then
    # An interrupted run, or an environment made without pip.
    "$python" -m venv --upgrade "$folder" && "$folder/bin/python" -m ensurepip --upgrade --default-pip >/dev/null && works && exit 0
    fail "$folder is not a working virtual environment. Remove it, or name another folder: make VENV=..."
fi
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM HUP
"$python" -m venv "$folder" || fail "$python -m venv $folder failed; it says why above."
trap - EXIT
