"""
Scale, one question after the other.

    python -m bench.scale NAME [--quick] [...]

Each prints its progress and ends in one JSON object.
"""

import sys
from importlib import import_module

NAMES = ("noisy", "rebalance", "drain", "processes", "companies", "rebuild", "due")


def main() -> None:
    """Hand over to the named one, which has a --help of its own."""
    if len(sys.argv) < 2 or sys.argv[1] not in NAMES:
        raise SystemExit(f"usage: python -m bench.scale {{{','.join(NAMES)}}} [--help]")
    name = sys.argv.pop(1)
    sys.argv[0] = f"bench.scale {name}"
    import_module(f"bench.scale.{name}").main()


if __name__ == "__main__":
    main()
