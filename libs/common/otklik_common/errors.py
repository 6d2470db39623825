"""Every expected "no": raised in the domain or in an action, rendered once as a problem (RFC 9457)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, ClassVar, NamedTuple


class Title(NamedTuple):
    """What kind of "no" it is, in both languages; the same for every occurrence."""

    en: str
    ru: str


@dataclass(frozen=True, slots=True)
class FieldError:
    """
    One field that cannot be accepted.

    Attributes:
        field: Path from the body's root, parts joined by dots: `lines.0.amount`.
        code: Stable word for programs.
        detail: For people, in English; never repeats a personal value.
        detail_ru: The same in Russian; None where there is none.
    """

    field: str
    code: str
    detail: str
    detail_ru: str | None = None


class Refused(Exception):
    """
    An expected "no" with an HTTP status, a stable code and a text that shows the value.

    Subclasses set `status`, `code` and `title`; the text is lower case, without a full stop.
    `code` may also be given for one occurrence, where a class of its own would say no more.

    Attributes:
        extra: Members of the problem document beyond the standard ones.
        headers: Headers of the answer.
        errors: Fields that cannot be accepted.
    """

    status: ClassVar[int] = 400
    code: str = "refused"
    title: ClassVar[Title] = Title("Refused", "Отказано")

    def __init__(
        self,
        detail: str = "",
        *,
        code: str | None = None,
        detail_ru: str | None = None,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(detail)
        if code is not None:
            self.code = code
        self.detail = detail
        self.detail_ru = detail_ru
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.extra = extra


class BadRequest(Refused):
    """The request itself cannot be understood."""

    status = 400
    code = "bad_request"
    title = Title("The request cannot be understood", "Запрос не удалось разобрать")


class Unauthenticated(Refused):
    """Nobody, or somebody who cannot prove who they are."""

    status = 401
    code = "unauthenticated"
    title = Title("Sign in or send a key", "Войдите или передайте ключ")

    def __init__(self, detail: str = "", **more: Any) -> None:
        more.setdefault("headers", {"WWW-Authenticate": 'Bearer realm="otklik"'})
        super().__init__(detail, **more)


class Forbidden(Refused):
    """Somebody known who may not do this."""

    status = 403
    code = "forbidden"
    title = Title("Not permitted", "Недостаточно прав")


class NotFound(Refused):
    """Missing, foreign or out of reach: the answer is the same, whatever the reason."""

    status = 404
    code = "not_found"
    title = Title("Not found", "Не найдено")


class Conflict(Refused):
    """The present state does not allow it."""

    status = 409
    code = "conflict"
    title = Title("In conflict with the present state", "Противоречит текущему состоянию")


class PreconditionFailed(Refused):
    """Somebody else has changed it since the caller read it."""

    status = 412
    code = "precondition_failed"
    title = Title("It has changed since you read it", "Объект изменился после чтения")


class TooLarge(Refused):
    """More bytes than the route takes."""

    status = 413
    code = "body_too_large"
    title = Title("The body is too large", "Слишком большое тело запроса")


class Unprocessable(Refused):
    """Well-formed, but against the rules."""

    status = 422
    code = "invalid"
    title = Title("The request cannot be accepted", "Запрос не может быть принят")


class PreconditionRequired(Refused):
    """An edit must say which revision it is about."""

    status = 428
    code = "precondition_required"
    title = Title("Send If-Match", "Нужен заголовок If-Match")


class TooMany(Refused):
    """Over a rate limit; `retry_after` in seconds becomes Retry-After, rounded up."""

    status = 429
    code = "too_many_requests"
    title = Title("Too many requests", "Слишком много запросов")

    def __init__(self, detail: str = "", *, retry_after: float = 1, **more: Any) -> None:
        super().__init__(detail, **more)
        self.headers.setdefault("Retry-After", str(max(1, ceil(retry_after))))


class Unavailable(Refused):
    """Not now; `retry_after` in seconds becomes Retry-After, rounded up."""

    status = 503
    code = "unavailable"
    title = Title("Not available now", "Временно недоступно")

    def __init__(self, detail: str = "", *, retry_after: float = 1, **more: Any) -> None:
        super().__init__(detail, **more)
        self.headers.setdefault("Retry-After", str(max(1, ceil(retry_after))))
