"""Every "no" as one kind of document: RFC 9457 problems, in the reader's language."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import orjson
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from otklik_common.errors import BadRequest, FieldError, Refused, Title, TooLarge, Unprocessable
from otklik_common.language import Lang, language_of
from otklik_common.methods import allowed
from otklik_common.validation import field_errors

MEDIA_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:otklik:problem:"
REQUEST_ID_KEY: Final = "otklik.request_id"


class ProblemField(BaseModel):
    """A field that cannot be accepted."""

    field: str = Field(description="path from the body's root: `lines.0.amount`; `query.limit`")
    code: str = Field(description="stable word for programs")
    detail: str


class Problem(BaseModel):
    """Why a request was not done (RFC 9457). Programs read `code`; people read the rest."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="`urn:otklik:problem:` and the code")
    title: str = Field(description="what kind of problem it is, ru or en by Accept-Language")
    status: int
    detail: str | None = None
    code: str = Field(description="stable: `not_found`, `invalid`, `time_in_future`, …")
    instance: str | None = Field(default=None, description="this occurrence; name it to support")
    request_id: str | None = None
    errors: list[ProblemField] | None = Field(
        default=None, description="field by field, at most 50"
    )


class Malformed(BadRequest):
    """The body is no JSON."""

    code = "malformed_json"
    title = Title("The body is not JSON", "Тело запроса не является JSON")


class UnsupportedMediaType(Refused):
    """A body of a kind that the route does not read."""

    status = 415
    code = "unsupported_media_type"
    title = Title("Send JSON", "Нужен JSON")


class UnsupportedCoding(UnsupportedMediaType):
    """A body that is compressed: of a few bytes it could make gigabytes."""

    code = "unsupported_content_encoding"
    title = Title("Send the body uncompressed", "Нужно несжатое тело запроса")


class BodyTooLarge(HTTPException):
    """TooLarge while the body is read: FastAPI lets only its own kind of exception out of that."""

    def __init__(self, limit: int) -> None:
        super().__init__(TooLarge.status)
        self.limit = limit


class Internal(Refused):
    """A fault of ours. The caller learns nothing but the request's id."""

    status = 500
    code = "internal"
    title = Title("A fault on our side", "Ошибка на нашей стороне")


class ByStatus(Refused):
    """What the framework answers by status alone."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None) -> None:
        phrase = HTTPStatus(status).phrase
        code, title = _BY_STATUS.get(
            status, (phrase.lower().replace(" ", "_"), Title(phrase, phrase))
        )
        super().__init__("" if detail == phrase else detail, code=code, headers=headers)
        if status == 404 and not self.detail:
            self.detail = "there is nothing at this address; /openapi.json names those there are"
            self.detail_ru = "по этому адресу ничего нет; какие есть, сказано в /openapi.json"
        self.shown_status = status
        self.shown_title = title


_BY_STATUS: Final[Mapping[int, tuple[str, Title]]] = {
    404: ("not_found", Title("Not found", "Не найдено")),
    405: (
        "method_not_allowed",
        Title("The method is not allowed here", "Метод здесь не поддерживается"),
    ),
    413: (TooLarge.code, TooLarge.title),
}


def problem_response(scope: Scope, refused: Refused) -> Response:
    """The answer to a request that was refused; for raw ASGI routes as well."""
    language = language_of(scope)
    status = getattr(refused, "shown_status", refused.status)
    body = problem_body(refused, language, scope.get(REQUEST_ID_KEY))
    headers = {**refused.headers, "Content-Language": language, "Vary": "Accept-Language"}
    if status == TooLarge.status:
        # The rest of the body was not read: the connection cannot be used again.
        headers["Connection"] = "close"
    return Response(orjson.dumps(body), status_code=status, headers=headers, media_type=MEDIA_TYPE)


def problem_body(refused: Refused, language: Lang, request_id: str | None) -> dict[str, Any]:
    """The members of a problem document; absent ones are left out."""
    title: Title = getattr(refused, "shown_title", refused.title)
    russian = language == "ru"
    detail = refused.detail_ru if russian and refused.detail_ru else refused.detail
    body: dict[str, Any] = {
        "type": TYPE_PREFIX + refused.code,
        "title": title.ru if russian else title.en,
        "status": getattr(refused, "shown_status", refused.status),
        "code": refused.code,
    }
    if detail:
        body["detail"] = detail
    if request_id is not None:
        body |= {"instance": f"urn:otklik:request:{request_id}", "request_id": request_id}
    if refused.errors:
        body["errors"] = [_shown(error, language) for error in refused.errors]
    # Standard members win over extra ones of the same name.
    return {**{name: _plain(value) for name, value in refused.extra.items()}, **body}


def _shown(error: FieldError, language: Lang) -> dict[str, str]:
    detail = error.detail_ru if language == "ru" and error.detail_ru else error.detail
    return {"field": error.field, "code": error.code, "detail": detail}


def _plain(value: Any) -> Any:
    """An extra member as JSON: text of what orjson does not know."""
    try:
        orjson.dumps(value)
    except TypeError:
        return str(value)
    return value


# --- What the framework raises ------------------------------------------------------------------


async def answer_refused(request: Request, refused: Exception) -> Response:
    """Handler of Refused."""
    assert isinstance(refused, Refused)
    return problem_response(request.scope, refused)


async def answer_http_exception(request: Request, raised: Exception) -> Response:
    """Handler of the framework's exceptions: unknown routes and methods, unreadable bodies."""
    assert isinstance(raised, HTTPException)
    refused = _refused(raised)
    if raised.status_code == 405:
        # The framework names the methods of the first route at the address alone.
        methods = refused.headers["Allow"] = allowed(request.scope)
        refused.detail = f"this address takes {methods}"
        refused.detail_ru = f"этот адрес принимает {methods}"
    return problem_response(request.scope, refused)


def _refused(raised: HTTPException) -> Refused:
    if isinstance(raised, BodyTooLarge):
        return TooLarge(
            f"the body is larger than {raised.limit} bytes",
            detail_ru=f"тело запроса больше {raised.limit} байт",
        )
    cause = raised.__cause__
    if raised.status_code == 400 and isinstance(cause, UnicodeDecodeError):
        return Malformed(
            f"byte {cause.start} of the body is not UTF-8",
            detail_ru=f"байт {cause.start} тела запроса не в кодировке UTF-8",
        )
    if raised.status_code == 400 and isinstance(cause, RecursionError):
        return Malformed(
            "the body is nested too deep", detail_ru="слишком глубокая вложенность в теле запроса"
        )
    if raised.status_code == 400 and isinstance(cause, ValueError):
        return Malformed(
            "the body holds a number too long to read",
            detail_ru="в теле запроса слишком длинное число",
        )
    return ByStatus(raised.status_code, raised.detail, raised.headers)


async def answer_invalid(request: Request, raised: Exception) -> Response:
    """Handler of RequestValidationError: which fields, and why; never what they held."""
    assert isinstance(raised, RequestValidationError)
    return problem_response(request.scope, invalid(raised))


def invalid(raised: RequestValidationError) -> Refused:
    """What a failed validation means to the caller."""
    errors: Sequence[Any] = raised.errors()
    broken = next((error for error in errors if error["type"] == "json_invalid"), None)
    if broken is not None:
        place = broken["loc"][-1]
        return Malformed(
            f"the body is not JSON at character {place}",
            detail_ru=f"ошибка JSON в символе {place}",
        )
    if isinstance(raised.body, bytes):
        return UnsupportedMediaType(
            "send Content-Type: application/json", detail_ru="нужен Content-Type: application/json"
        )
    return Unprocessable(
        "some fields cannot be accepted",
        detail_ru="некоторые поля не могут быть приняты",
        errors=field_errors(errors),
    )
