"""Edits that do not overwrite one another: strong ETags made of revisions, and If-Match."""

import re
from typing import Annotated, Any, Final

from fastapi import Depends, Header

from otklik_common.errors import BadRequest, PreconditionFailed, PreconditionRequired
from otklik_common.openapi import MUST_BE_SENT

_TAG: Final = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')


def etag(revision: int) -> str:
    """The strong ETag of a revision (RFC 9110 §8.8.3)."""
    return f'"{revision}"'


class Expected:
    """What the caller believes the present revision to be."""

    def __init__(self, header: str | None) -> None:
        self._any = header is not None and header.strip() == "*"
        self._tags: frozenset[str] | None = None
        if header is not None and not self._any:
            self._tags = frozenset(_tags(header))

    def check(self, revision: int) -> None:
        """
        Return if an edit of `revision` may go on.

        Raises:
            PreconditionFailed: The caller has read another revision. Weak tags never match.
        """
        if self._any or self._tags is None or etag(revision) in self._tags:
            return
        raise PreconditionFailed(
            f"the present ETag is {etag(revision)}",
            detail_ru=f"текущий ETag {etag(revision)}",
            headers={"ETag": etag(revision)},
        )


def _tags(header: str) -> list[str]:
    if not re.fullmatch(rf"\s*{_TAG.pattern}(?:\s*,\s*{_TAG.pattern})*\s*", header):
        raise BadRequest(
            "If-Match is malformed: quoted tags are expected",
            detail_ru="If-Match записан неверно: ожидаются метки в кавычках",
            code="bad_if_match",
        )
    return _TAG.findall(header)


_WRITTEN: Final = {"pattern": r'^(\*|(W/)?"[!#-~]*"(, *(W/)?"[!#-~]*")*)$'}


def _header(described: dict[str, Any]) -> Any:
    return Header(
        alias="If-Match",
        max_length=1000,
        description="ETag of what was read; * for any",
        json_schema_extra=described,
    )


IfMatchHeader = Annotated[str | None, _header(_WRITTEN)]
NeededHeader = Annotated[str | None, _header({**_WRITTEN, MUST_BE_SENT: True})]


async def _optional(if_match: IfMatchHeader = None) -> Expected:
    return Expected(if_match)


async def _required(if_match: NeededHeader = None) -> Expected:
    if if_match is None:
        raise PreconditionRequired(
            "send If-Match with the ETag that you read",
            detail_ru="нужен If-Match с прочитанным ETag",
        )
    return Expected(if_match)


IfMatch = Annotated[Expected, Depends(_optional)]
"""FastAPI dependency: `expected.check(revision)`; without the header every revision is expected."""

MustMatch = Annotated[Expected, Depends(_required)]
"""The same where an edit without If-Match is refused with 428."""
