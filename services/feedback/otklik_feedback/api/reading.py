"""From a body to an answer for the action: ids, pseudonyms, time, and whom it may name."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from otklik_common.callers import Caller
from otklik_common.errors import Forbidden, Unprocessable
from otklik_common.http import check_time
from otklik_common.ids import contact_subject, source_subject, subject_id
from otklik_feedback.actions.answers import Sent, answer_id
from otklik_feedback.actions.means import NOBODY, Means, Person
from otklik_feedback.actions.surveys import survey_id
from otklik_feedback.api.schemas import AnswerBody
from otklik_feedback.domain.answer import SAID, NewAnswer
from otklik_feedback.domain.body import digest_of
from otklik_feedback.domain.question import MICRO


class UnknownSource(Unprocessable):
    """Ids of sources begin with the id of their company."""

    code = "unknown_source"


class NotYourself(Forbidden):
    """Customers answer for nobody but themselves."""

    code = "not_yourself"


@dataclass(frozen=True, slots=True)
class Reader:
    """
    Reads bodies that one caller sent at one moment.

    Attributes:
        region: Country whose phones have no plus.
    """

    caller: Caller
    means: Means
    region: str
    now: datetime

    def read(self, reference: str, body: AnswerBody) -> Sent:
        """
        A body as an answer.

        Raises:
            TimeInFuture, TimeTooOld, UnknownSource, NotYourself.
        """
        check_time(body.at, self.now)
        tenant = self.caller.tenant
        person = self._person(body)
        identifiers = self.means.identifiers(tenant, person, self.region)
        if self.caller.customer is not None:
            _check_self(tenant, self.caller.customer, person, identifiers)
        contact, source = self._contact(body)
        said = {name: str(value) for name in SAID if (value := getattr(body, name)) is not None}
        survey = _survey(tenant, body.survey)
        weight_micro = round(body.weight * MICRO)
        answer = NewAnswer(
            id=answer_id(tenant, reference),
            reference=reference,
            survey=survey,
            answered_at=body.at,
            values=body.values,
            digest=digest_of(
                self.means.digest_key(tenant),
                survey,
                body.at,
                identifiers,
                contact,
                said,
                weight_micro,
                body.values,
                survey_version=body.survey_version,
            ),
            sender=self.caller.principal,
            said=said,
            contact=contact,
            source=source,
            identifiers=identifiers,
            customer=self.caller.customer,
            weight_micro=weight_micro,
            survey_version=body.survey_version,
        )
        return Sent(answer, person)

    @staticmethod
    def _person(body: AnswerBody) -> Person:
        named = body.customer
        if named is None:
            return NOBODY
        return Person(named.phone, named.email, named.external_id)

    def _contact(self, body: AnswerBody) -> tuple[UUID | None, UUID | None]:
        tenant = self.caller.tenant
        if body.source is not None and not body.source.startswith(f"{tenant}."):
            raise UnknownSource(
                f"there is no source {body.source[:100]!r}",
                detail_ru=f"источника {body.source[:100]!r} нет",
            )
        if body.contact is None:
            return None, None if body.source is None else source_subject(tenant, body.source)
        source = body.source or f"{tenant}.default"
        return contact_subject(tenant, source, body.contact), source_subject(tenant, source)


def _check_self(tenant: str, customer: UUID, person: Person, identifiers: tuple[str, ...]) -> None:
    if person == NOBODY:
        return
    # Phones and addresses prove nothing: anybody could name another's.
    named = len(identifiers) == 1 and identifiers[0].startswith("x")
    if not named or subject_id(tenant, "customer", identifiers[0]) != customer:
        raise NotYourself(
            "the token's customer may name themselves alone, by their external id",
            detail_ru="клиент может назвать только себя, по своему внешнему идентификатору",
        )


@lru_cache(4096)
def _survey(tenant: str, named: str) -> UUID:
    return survey_id(tenant, named)
