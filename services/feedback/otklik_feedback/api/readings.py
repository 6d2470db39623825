"""What people say that words say; topics of a company."""

from fastapi import APIRouter, Response

from otklik_common.http import PROBLEMS, MustMatch, etag
from otklik_feedback.actions import readings as actions
from otklik_feedback.actions import topics as topics_actions
from otklik_feedback.api.context import (
    PREFIX,
    AnswerPath,
    Db,
    Keys,
    MayCorrectReadings,
    MayReadSurveys,
    MayWriteSurveys,
)
from otklik_feedback.api.schemas_readings import ReadingBody, ReadingOut, TopicsBody, TopicsOut

router = APIRouter(prefix=PREFIX, tags=["feedback: words"])


@router.put(
    "/answers/{answer}/reading",
    operation_id="correct_reading",
    summary="Correct what an answer's words say",
    responses=PROBLEMS(400, 401, 403, 404, 409, 412, 413, 422),
)
async def correct_reading(
    answer: AnswerPath, body: ReadingBody, caller: MayCorrectReadings, db: Db, means: Keys
) -> ReadingOut:
    """
    Say which topics the words speak of, and with what feeling; the last word said holds.

    It stays however often the words are read again, until they themselves change. A rule makes a
    phrase of this answer mean a topic in every answer: it is added to the company's topics, where it
    can be seen and taken out again, and all answers are read again. Rules need the whole company.
    """
    corrected, known = await actions.correct(db, means, caller, answer, body.said())
    return _out(ReadingOut.of(corrected, known))


@router.delete(
    "/answers/{answer}/reading",
    operation_id="withdraw_reading",
    summary="Take a correction back",
    responses=PROBLEMS(401, 403, 404, 409, 422),
)
async def withdraw_reading(
    answer: AnswerPath, caller: MayCorrectReadings, db: Db, means: Keys
) -> ReadingOut:
    """Our own reading holds again; rules that came with the correction stay among the topics."""
    withdrawn, known = await actions.withdraw(db, means, caller, answer)
    return _out(ReadingOut.of(withdrawn, known))


@router.get(
    "/topics",
    operation_id="get_topics",
    summary="Read the topics",
    responses=PROBLEMS(401, 403),
)
async def get_topics(caller: MayReadSurveys, db: Db, response: Response) -> TopicsOut:
    """
    What customers may speak of, as a tree, with its words, and how far answers have been read by it.

    A company begins with the topics shipped, version 0. The ETag goes into If-Match of a change.
    """
    kept, progress = await topics_actions.read_topics(db, caller)
    response.headers["ETag"] = etag(kept.version)
    return TopicsOut.of(kept, progress)


@router.put(
    "/topics",
    operation_id="put_topics",
    summary="Put all topics",
    responses=PROBLEMS(400, 401, 403, 412, 413, 422, 428),
)
async def put_topics(
    body: TopicsBody, caller: MayWriteSurveys, db: Db, expected: MustMatch, response: Response
) -> TopicsOut:
    """
    Put a new version of all topics; the same ones again make none.

    Codes stay for ever, for facts name them: a topic that is left out is switched off. At most 200
    topics with those, four levels, 100 phrases a language each. Every answer is then read again,
    behind those that come in; corrections stay.
    """
    kept, progress = await topics_actions.put_topics(db, caller, body.wanted(), expected=expected)
    response.headers["ETag"] = etag(kept.version)
    return TopicsOut.of(kept, progress)


def _out(found: ReadingOut | None) -> ReadingOut:
    assert found is not None
    return found
