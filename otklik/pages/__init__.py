"""The first page, and what its numbers open: receipts, records, the very call."""

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from otklik.pages.drawing import FOLDER
from otklik.pages.gateway import Gateway
from otklik.pages.missing import answer_missing
from otklik.pages.routes import Pages
from otklik_common.module import Platform


def add_pages(app: FastAPI, platform: Platform) -> None:
    """Answer `/` and the pages under it; APIs not in this process are found by `api_urls`."""
    gateway = Gateway(app, platform.settings)
    platform.on_stop.append(gateway.close)
    pages = Pages(gateway, platform)
    app.router.routes.extend(pages.routes())
    app.add_exception_handler(HTTPException, answer_missing(pages.missing))
    app.router.routes.append(Mount("/static", StaticFiles(directory=FOLDER / "static")))
