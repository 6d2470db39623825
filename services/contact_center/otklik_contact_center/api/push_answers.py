"""What pushes are answered, made once where it is always the same."""

from typing import Final

import msgspec

from otklik_common.quick import Answer
from otklik_contact_center.actions.push import Pushed

_encode = msgspec.json.Encoder().encode


def answer_of(pushed: Pushed) -> Answer:
    """The answer to a push that is kept."""
    if pushed.accepted == 1 and not pushed.duplicates and not pushed.refused:
        return _ONE_TAKEN
    return told(_encode(pushed))


def told(body: bytes, status: int = 202) -> Answer:
    """An answer in JSON."""
    length = str(len(body)).encode()
    return Answer(
        status, ((b"content-type", b"application/json"), (b"content-length", length)), body
    )


_ONE_TAKEN: Final = told(_encode(Pushed(accepted=1, duplicates=0)))
