"""The contact centre alone: `python -m otklik_contact_center serve | work`; settings come from OTKLIK_*."""

import argparse

import uvloop

from otklik_common.runtime import serve, work
from otklik_common.settings import load_settings
from otklik_contact_center.module import MODULE


def main() -> None:
    """Read the command line and run until told to stop."""
    parser = argparse.ArgumentParser(prog="otklik_contact_center", description=__doc__)
    parser.add_argument("what", choices=("serve", "work"))
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080, help="of the API, or of /readyz")
    given = parser.parse_args()
    settings = load_settings()
    if given.what == "serve":
        uvloop.run(serve([MODULE], settings, host=given.host, port=given.port))
    else:
        uvloop.run(work([MODULE], settings, host=given.host, ops_port=given.port))


if __name__ == "__main__":
    main()
