#!/bin/sh
# Makes .venv (or $VENV) from the hashed requirement files: `install.sh runtime` or `install.sh dev`.
# Does nothing when the environment already is what these files say.
set -eu
cd "$(dirname "$0")/.."
wanted=${1:-runtime}
root=$(pwd)
venv=${VENV:-.venv}

say() { printf '%s\n' "$*" >&2; }

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    for candidate in ${PYTHON:-python3 python python3.11 python3.12 python3.13 python3.14}; do
        if command -v "$candidate" >/dev/null 2>&1 && is_new_enough "$candidate"; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    say "Otklik needs Python 3.11 or newer; found: $(python3 --version 2>&1 || echo 'no python3')."
    say "Install one, or name it: make setup PYTHON=/path/to/python3.11"
    return 1
}

# A development environment stays one: it holds everything that running needs.
if [ "$wanted" = runtime ] && [ -f "$venv/.dev" ]; then
    wanted=dev
fi

# The folder is part of the stamp, because editable installs remember where they are.
stamp=$({
    echo "$wanted $root"
    cat requirements/bootstrap.txt "requirements/$wanted.txt" requirements/install.sh \
        pyproject.toml libs/*/pyproject.toml services/*/pyproject.toml
} | cksum)
if [ -x "$venv/bin/python" ] && [ "$(cat "$venv/.$wanted" 2>/dev/null)" = "$stamp" ] \
    && "$venv/bin/python" -c '' 2>/dev/null; then
    exit 0
fi

if ! { [ -x "$venv/bin/python" ] && is_new_enough "$venv/bin/python" && [ -d "$venv/uv" ]; }; then
    python=$(find_python)
    say "Making $venv with $("$python" --version)"
    rm -rf "$venv"
    if ! "$python" -m venv "$venv" 2>"$venv-error"; then
        cat "$venv-error" >&2
        rm -rf "$venv" "$venv-error"
        say "This Python cannot make virtual environments; on Debian: apt-get install python3-venv"
        exit 1
    fi
    rm -f "$venv-error"
fi
# Removed first and written last: an interrupted run is never taken for a finished one.
rm -f "$venv/.runtime" "$venv/.dev"

uv=$venv/uv/bin/uv
bootstrap=$(cksum <requirements/bootstrap.txt)
if [ "$(cat "$venv/uv/.stamp" 2>/dev/null)" != "$bootstrap" ]; then
    say "Installing uv"
    rm -rf "$venv/uv"
    # The installed pip may be gone: uv keeps the environment to the letter.
    "$venv/bin/python" -m pip --version >/dev/null 2>&1 || "$venv/bin/python" -m ensurepip >/dev/null
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-warn-script-location \
        --root-user-action ignore --require-hashes -r requirements/bootstrap.txt --target "$venv/uv"
    echo "$bootstrap" >"$venv/uv/.stamp"
fi

say "Installing the $wanted packages"
export VIRTUAL_ENV="$root/$venv" UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1
"$uv" pip sync --quiet --require-hashes "requirements/$wanted.txt"
say "Installing Otklik in place"
set -- -e .
for package in libs/* services/*; do
    [ -f "$package/pyproject.toml" ] && set -- "$@" -e "$package"
done
"$uv" pip install --quiet --no-deps "$@"
echo "$stamp" >"$venv/.$wanted"
[ "$wanted" = runtime ] || : >"$venv/.runtime"
