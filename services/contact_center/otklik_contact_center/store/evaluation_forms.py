"""Forms by which contacts are evaluated, in all their versions."""

from typing import Final

from otklik_contact_center.domain.quality.form import Form
from otklik_contact_center.store.quality_tables import evaluation_form, evaluation_form_version
from otklik_contact_center.store.versioned import Versions

FORMS: Final = Versions(evaluation_form, evaluation_form_version, Form)
