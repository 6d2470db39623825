#!/bin/sh
# Runs what it is given, or everything in three parts: rules, two files at a time; then what needs
# servers, three at a time, since it mostly waits; then what times and kills whole process trees.
set -eu
cd "$(dirname "$0")/../.."

if [ $# -gt 0 ]; then
    exec .venv/bin/python -m pytest "$@"
fi
.venv/bin/python -m pytest tests/unit --numprocesses 2 --dist loadfile
.venv/bin/python -m pytest tests --ignore tests/unit -m "not system" --numprocesses 3 --dist loadfile
.venv/bin/python -m pytest tests --ignore tests/unit -m system
