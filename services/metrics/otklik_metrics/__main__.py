"""Metrics alone: `python -m otklik_metrics serve | work`; settings come from OTKLIK_*."""

import argparse
import asyncio

from otklik_common.runtime import serve, work
from otklik_common.settings import load_settings
from otklik_metrics.module import MODULE


def main() -> None:
    """Read the command line and run until told to stop."""
    parser = argparse.ArgumentParser(prog="otklik_metrics", description=__doc__)
    parser.add_argument("what", choices=("serve", "work"))
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080, help="of the API, or of /readyz")
    given = parser.parse_args()
    settings = load_settings()
    if given.what == "serve":
        asyncio.run(serve([MODULE], settings, host=given.host, port=given.port))
    else:
        asyncio.run(work([MODULE], settings, host=given.host, ops_port=given.port))


if __name__ == "__main__":
    main()
