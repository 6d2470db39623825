"""Forms by which contacts are evaluated: an edit makes a version, and none is ever lost."""

from sqlalchemy.ext.asyncio import AsyncConnection

from otklik_common.db import Database
from otklik_common.errors import Conflict, NotFound, Unprocessable
from otklik_contact_center.actions.versioned import Documents
from otklik_contact_center.domain.quality.form import MOST_FORMS, Form, check_form
from otklik_contact_center.store.evaluation_forms import FORMS
from otklik_contact_center.store.versioned import Kept


class UnknownForm(NotFound):
    """No form of that code, or no such version of it; another company's is answered the same."""

    code = "unknown_form"


class FormRetired(Conflict):
    """Nothing is evaluated by it any more."""

    code = "form_retired"


class EvaluationForms(Documents[Form]):
    """Keeps forms; nothing is evaluated any more by one that is retired."""

    def __init__(self, db: Database) -> None:
        super().__init__(db, FORMS)

    def check(self, value: Form) -> None:
        """Raises BadForm."""
        check_form(value)

    def check_room(self, used: int) -> None:
        """Raises Unprocessable."""
        if used >= MOST_FORMS:
            raise Unprocessable(
                f"a company has at most {MOST_FORMS} forms",
                code="too_many_forms",
                detail_ru=f"форм не больше {MOST_FORMS}",
            )

    async def found(
        self, tx: AsyncConnection, tenant: str, code: str, version: int | None = None
    ) -> Kept[Form]:
        """Raises UnknownForm."""
        return await found(tx, tenant, code, version)


async def found(
    tx: AsyncConnection, tenant: str, code: str, version: int | None = None
) -> Kept[Form]:
    """A form. Raises UnknownForm."""
    kept = await FORMS.get(tx, tenant, code, version)
    if kept is None:
        which = code if version is None else f"{code}, version {version}"
        raise UnknownForm(f"there is no form {which}", detail_ru=f"нет формы {which}")
    return kept


async def found_for_use(tx: AsyncConnection, tenant: str, code: str) -> Kept[Form]:
    """The version by which something is evaluated now. Raises UnknownForm, FormRetired."""
    kept = await found(tx, tenant, code)
    if kept.retired:
        raise FormRetired(f"the form {code} is retired", detail_ru=f"форма {code} больше не в ходу")
    return kept
