#!/bin/sh
# Runs what it is given; or everything: rules first, then what needs servers, three files at a
# time, since most of it waits.
set -eu
cd "$(dirname "$0")/../.."

if [ $# -gt 0 ]; then
    exec .venv/bin/python -m pytest "$@"
fi
.venv/bin/python -m pytest tests/unit --numprocesses 2 --dist loadfile
exec .venv/bin/python -m pytest tests --ignore tests/unit \
    --numprocesses 3 --dist loadfile --no-loadscope-reorder
