#!/bin/sh
# Runs the unit tests on Python 3.13, if this machine has one; the floor, 3.11, hides newer releases.
# Large simulations are left out: their numbers are those of any Python.
set -eu
cd "$(dirname "$0")/../.."

find_python() {
    if command -v pyenv >/dev/null 2>&1; then
        version=$(pyenv versions --bare 2>/dev/null | grep '^3\.13\.' | tail -n 1)
        if [ -n "$version" ]; then
            PYENV_VERSION=$version pyenv which python3.13
            return
        fi
    fi
    python3.13 -c 'import sys; print(sys.executable)' 2>/dev/null
}

if ! python=$(find_python); then
    printf 'No Python 3.13 here: the unit tests run on one Python only\n' >&2
    exit 0
fi
[ -d tests/unit ] || exit 0
PYTHON=$python VENV=.venv313 requirements/install.sh dev
exec .venv313/bin/python -m pytest tests/unit -q -p no:cacheprovider -m "not simulation" --numprocesses 2
