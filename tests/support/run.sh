#!/bin/sh
# Runs tests in two parts: what needs no process tree of its own side by side, one file at a time on
# each core; then what starts, times and kills whole process trees, alone.
set -eu
cd "$(dirname "$0")/../.."

# 5: nothing of this part was asked for.
pytest_or_nothing() {
    .venv/bin/python -m pytest "$@" || [ $? = 5 ]
}

pytest_or_nothing -m "not system" --numprocesses 2 --dist loadfile "$@"
pytest_or_nothing -m system "$@"
