"""What is wrong with a source, and what to do about it, in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from otklik_contact_center.domain.doctor.delay import LEAST_EVENTS, Delays, late

QUIET: Final = timedelta(days=1)
"""So long after a source was made it should have sent something."""

ENDLESS: Final = timedelta(hours=4)
"""A call that lasts longer has lost its end."""

DUPLICATES_SHARE: Final = 0.2
LATE_SHARE: Final = 0.1


@dataclass(frozen=True, slots=True)
class Said:
    """A text in English and Russian."""

    en: str
    ru: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: `code` names it, `advice` says what to do."""

    code: str
    text: Said
    advice: Said


@dataclass(frozen=True, slots=True)
class Signs:
    """
    What is known of a source.

    Attributes:
        accepted, duplicates, refused, overtaken: Of the last day.
        let_in, kept_out: New and refused events of the last hour or two.
        waiting: Refused events that can be pushed again.
        endless: Calls of the last day without an end.
        ahead: Whether events come before they happen.
    """

    created_at: datetime
    heard_at: datetime | None
    silent_since: datetime | None
    usual_gap: timedelta | None
    accepted: int
    duplicates: int
    refused: int
    overtaken: int
    let_in: int
    kept_out: int
    waiting: int
    endless: int
    delays: Delays | None
    ahead: bool


def findings(signs: Signs, now: datetime, *, made_by_us: bool) -> list[Finding]:
    """
    What is wrong, the worst first; nothing where all is well.

    Args:
        made_by_us: Nobody asked for the source, so it may never be used.
    """
    return [*_silence(signs, now, made_by_us=made_by_us), *_refusals(signs), *_manners(signs)]


def _silence(signs: Signs, now: datetime, *, made_by_us: bool) -> Iterator[Finding]:
    if signs.silent_since is not None:
        since = signs.silent_since.isoformat(timespec="minutes")
        usual = "" if signs.usual_gap is None else _minutes(signs.usual_gap)
        yield Finding(
            "silent",
            Said(
                f"nothing new since {since}; by its past it is not silent longer than {usual} min"
                " now",
                f"ничего нового с {since}; судя по прошлому, сейчас источник не молчит дольше"
                f" {usual} мин",
            ),
            Said(
                "see whether the sender runs, reaches us and still has its key or hook; push a"
                " trial event",
                "проверьте, работает ли отправитель, доходит ли до нас и действует ли его ключ или"
                " веб-хук; отправьте пробное событие",
            ),
        )
    elif signs.heard_at is None and not made_by_us and now - signs.created_at > QUIET:
        yield Finding(
            "never_heard",
            Said("it has never sent anything", "от источника ещё ничего не приходило"),
            Said(
                "give the sender the address of the hook and the secret, and push a trial event",
                "укажите отправителю адрес веб-хука и секрет и отправьте пробное событие",
            ),
        )


def _refusals(signs: Signs) -> Iterator[Finding]:
    if signs.kept_out and not signs.let_in:
        yield Finding(
            "nothing_let_in",
            Said(
                "events come, and none of the last hour was let in",
                "события приходят, но за последний час не принято ни одного",
            ),
            Said(
                "the sender has changed what it sends: look at the reasons of the refused events",
                "отправитель изменил формат: посмотрите причины отказов",
            ),
        )
    if signs.waiting:
        yield Finding(
            "refused_waiting",
            Said(
                f"{signs.waiting} refused events wait",
                f"ждут отклонённые события: {signs.waiting}",
            ),
            Said(
                "mend what their reasons name, then replay them: nothing is counted twice",
                "устраните причины и отправьте их повторно: дважды ничего не посчитается",
            ),
        )


def _manners(signs: Signs) -> Iterator[Finding]:
    sent = signs.accepted + signs.duplicates
    if sent >= LEAST_EVENTS and signs.duplicates > DUPLICATES_SHARE * sent:
        yield Finding(
            "many_duplicates",
            Said(
                f"{signs.duplicates} of {sent} events of a day came before",
                f"за сутки повторов {signs.duplicates} из {sent}",
            ),
            Said(
                "no harm: each counts once. The sender may give up too early on our answers",
                "не страшно: каждое учтено один раз. Возможно, отправитель слишком мало ждёт ответа",
            ),
        )
    if signs.accepted >= LEAST_EVENTS and signs.overtaken > LATE_SHARE * signs.accepted:
        yield Finding(
            "out_of_order",
            Said(
                f"{signs.overtaken} of {signs.accepted} events of a day were overtaken",
                f"за сутки не по порядку {signs.overtaken} из {signs.accepted}",
            ),
            Said(
                "figures come out the same, but later: let the sender push each event at once",
                "на цифры это не влияет, но они запаздывают: отправляйте события сразу",
            ),
        )
    if signs.ahead:
        yield Finding(
            "clock_ahead",
            Said("events come before they happen", "события приходят раньше, чем происходят"),
            Said("set the sender's clock by NTP", "настройте на отправителе часы (NTP)"),
        )
    if signs.delays is not None and late(signs.delays):
        yield Finding(
            "comes_late",
            Said(
                f"even the fastest event took {signs.delays.least:.0f} s",
                f"даже самое быстрое событие шло {signs.delays.least:.0f} с",
            ),
            Said(
                "set the sender's clock by NTP, or let it push at once",
                "настройте на отправителе часы (NTP) или отправку без задержки",
            ),
        )
    if signs.endless:
        yield Finding(
            "calls_without_end",
            Said(
                f"{signs.endless} calls of the last day have no end",
                f"за сутки звонков без завершения: {signs.endless}",
            ),
            Said(
                "let the sender push `ended` for every call, also after it was restarted",
                "отправляйте `ended` по каждому звонку, в том числе после перезапуска",
            ),
        )


def _minutes(span: timedelta) -> str:
    return f"{span.total_seconds() / 60:.0f}"
