"""Scripts to start from: the first call of a buyer and of a seller."""

from typing import Final

from otklik_contact_center.domain.script.script import Item, Meant, OnlyIf, Script


def _item(
    code: str,
    en: str,
    ru: str,
    *,
    hint: tuple[str, str] | None = None,
    compulsory: bool = True,
    not_applicable: bool = True,
    only_if: OnlyIf | None = None,
) -> Item:
    hints = {} if hint is None else dict(zip(("en", "ru"), hint, strict=True))
    return Item(
        code=code,
        texts={"en": en, "ru": ru},
        hints=hints,
        compulsory=compulsory,
        not_applicable=not_applicable,
        only_if=only_if,
    )


_GREETING: Final = _item(
    "greeting",
    "Greeted, named the company and themselves",
    "Поздоровался, назвал компанию и себя",
    not_applicable=False,
)
_NAME: Final = _item(
    "name", "Asked for the customer's name and used it", "Спросил имя клиента и обращался по нему"
)
_OBJECTION: Final = _item(
    "objection",
    "The customer objected",
    "Клиент возражал",
    hint=("Tick it if there was an objection", "Отметьте, если возражение было"),
    compulsory=False,
)
_OBJECTION_WORK: Final = _item(
    "objection_work",
    "Heard the objection out, answered it and checked that it was settled",
    "Выслушал возражение, ответил и убедился, что вопрос снят",
    only_if=OnlyIf(item="objection", answer="done"),
)
_NEXT_STEP: Final = _item(
    "next_step",
    "Agreed on the next step with a day and a time",
    "Договорился о следующем шаге с днём и временем",
    hint=("A showing, a visit or a call", "Показ, встреча или звонок"),
)
_SUMMARY: Final = _item(
    "summary",
    "Said again what was agreed",
    "Повторил договорённости",
    compulsory=False,
)

FIRST_CALL_OF_A_BUYER: Final = Script(
    code="first_call_buyer",
    names={"en": "First call of a buyer", "ru": "Первый звонок покупателя"},
    meant=Meant(party="buyer", direction="in", channel="call"),
    items=(
        _GREETING,
        _NAME,
        _item(
            "need",
            "Found out what is sought and for whom",
            "Выяснил, что ищут и для кого",
            hint=("District, rooms, by when", "Район, комнаты, срок"),
        ),
        _item(
            "budget",
            "Found out the budget and how it will be paid",
            "Выяснил бюджет и способ оплаты",
        ),
        _item(
            "mortgage",
            "A mortgage is wanted",
            "Нужна ипотека",
            hint=("Tick it if so", "Отметьте, если да"),
            compulsory=False,
        ),
        _item(
            "mortgage_approval",
            "Asked whether it is approved, and offered help",
            "Спросил, одобрена ли ипотека, и предложил помощь",
            only_if=OnlyIf(item="mortgage", answer="done"),
        ),
        _item(
            "offer",
            "Offered at least one object that fits",
            "Предложил хотя бы один подходящий объект",
        ),
        _OBJECTION,
        _OBJECTION_WORK,
        _NEXT_STEP,
        _SUMMARY,
    ),
)

FIRST_CALL_OF_A_SELLER: Final = Script(
    code="first_call_seller",
    names={"en": "First call of a seller", "ru": "Первый звонок продавца"},
    meant=Meant(party="seller", direction="in", channel="call"),
    items=(
        _GREETING,
        _NAME,
        _item(
            "object",
            "Found out what is sold and in which state it is",
            "Выяснил, что продают и в каком состоянии",
        ),
        _item("motive", "Found out why it is sold and by when", "Выяснил причину и срок продажи"),
        _item("price", "Found out the price that is expected", "Выяснил ожидаемую цену"),
        _item(
            "documents",
            "Asked about owners, shares and encumbrances",
            "Спросил о собственниках, долях и обременениях",
        ),
        _item(
            "service",
            "Said what the company does and what it costs",
            "Рассказал об услугах компании и их стоимости",
        ),
        _OBJECTION,
        _OBJECTION_WORK,
        _NEXT_STEP,
        _SUMMARY,
    ),
)

PRESETS: Final = (FIRST_CALL_OF_A_BUYER, FIRST_CALL_OF_A_SELLER)
