"""The agency itself: branches, queues, realtors, and the truths planted in it."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Moscow")
"""All branches keep Moscow time, so that a day is one day everywhere."""


@dataclass(frozen=True, slots=True)
class Realtor:
    """Somebody who works with sellers and buyers; `code` is how contact-centre software says it."""

    code: str
    name: str
    branch: str


@dataclass(frozen=True, slots=True)
class Branch:
    """
    A branch.

    Attributes:
        share: Its part of all requests, relative to the others.
        promptness: How soon it calls back: a factor on the delay, and on how often it does not.
    """

    code: str
    ru: str
    en: str
    region: str
    franchise: bool
    share: float
    promptness: float = 1.0


@dataclass(frozen=True, slots=True)
class Truths:
    """
    What is planted. Analytics that deserve the name find these, and nothing in `null_force`.

    Attributes:
        driver_force: Moves NPS on both sides: the better, the higher.
        barrier_force: Hurts when low; nothing is won by having more of it.
        null_force: Varies, and does nothing.
        slow_branch: Calls back late or never; its customers leave.
        cherry_picker: A realtor who lets only happy customers be asked.
        bad_campaign: An advert that promises too much and brings detractors.
        missed_deal_factor: What an unanswered call leaves of the chance of a deal.
    """

    driver_force: str = "fairness"
    barrier_force: str = "clarity"
    null_force: str = "status"
    slow_branch: str = "perm"
    cherry_picker: str = "sokolova"
    bad_campaign: str = "radio-vesna"
    missed_deal_factor: float = 0.25


TRUTHS = Truths()

BRANCHES = (
    Branch("tyumen", "Тюмень", "Tyumen", "ural", franchise=False, share=2.2),
    Branch("ekaterinburg", "Екатеринбург", "Yekaterinburg", "ural", franchise=False, share=1.9),
    Branch("perm", "Пермь", "Perm", "ural", franchise=False, share=1.3, promptness=5.0),
    Branch("chelyabinsk", "Челябинск", "Chelyabinsk", "ural", franchise=True, share=1.0),
    Branch("kurgan", "Курган", "Kurgan", "ural", franchise=True, share=0.5),
    Branch("kazan", "Казань", "Kazan", "volga", franchise=False, share=1.4),
    Branch("samara", "Самара", "Samara", "volga", franchise=True, share=1.0),
    Branch("ufa", "Уфа", "Ufa", "volga", franchise=True, share=0.9),
    Branch("saratov", "Саратов", "Saratov", "volga", franchise=True, share=0.6),
    Branch("moscow", "Москва", "Moscow", "center", franchise=False, share=1.7),
    Branch("tula", "Тула", "Tula", "center", franchise=True, share=0.6),
    Branch("ryazan", "Рязань", "Ryazan", "center", franchise=True, share=0.5),
)

REGIONS = {
    "ural": ("Урал", "Urals"),
    "volga": ("Поволжье", "Volga"),
    "center": ("Центр", "Centre"),
}

_SURNAMES = (
    ("petrova", "Анна Петрова"),
    ("sokolova", "Ирина Соколова"),
    ("volkov", "Сергей Волков"),
    ("lebedev", "Павел Лебедев"),
    ("morozova", "Ольга Морозова"),
    ("novikov", "Дмитрий Новиков"),
    ("zaitseva", "Елена Зайцева"),
    ("pavlov", "Игорь Павлов"),
    ("orlova", "Мария Орлова"),
    ("fedorov", "Андрей Фёдоров"),
    ("belova", "Татьяна Белова"),
    ("gusev", "Николай Гусев"),
    ("kiseleva", "Вера Киселёва"),
    ("makarov", "Олег Макаров"),
    ("antonova", "Юлия Антонова"),
    ("tarasov", "Роман Тарасов"),
    ("zhukova", "Дарья Жукова"),
    ("baranov", "Виктор Баранов"),
    ("frolova", "Алла Фролова"),
    ("melnikov", "Юрий Мельников"),
    ("sergeeva", "Нина Сергеева"),
    ("danilov", "Максим Данилов"),
    ("titova", "Лариса Титова"),
    ("kuzmin", "Артём Кузьмин"),
    ("markova", "Софья Маркова"),
    ("savin", "Глеб Савин"),
    ("egorova", "Полина Егорова"),
    ("osipov", "Кирилл Осипов"),
    ("vlasova", "Жанна Власова"),
    ("nikitin", "Евгений Никитин"),
)


def realtors() -> tuple[Realtor, ...]:
    """Two or three realtors a branch, always the same."""
    names = iter(_SURNAMES)
    found: list[Realtor] = []
    for branch in BRANCHES:
        for _ in range(3 if branch.share >= 1.0 else 2):
            known = next(names, None)
            if known is None:
                break
            found.append(Realtor(known[0], known[1], branch.code))
    return tuple(found)


OPERATORS = {region: tuple(f"{region}-op-{n}" for n in range(1, 5)) for region in REGIONS}
"""Agents of the three call queues; four seats each, two of them on duty at quiet times."""

OPENS, CLOSES = time(9), time(20)

HOURS = (0, 0, 0, 0, 0, 0, 0, 0.1, 0.5, 1.2, 1.6, 1.7, 1.4, 1.2, 1.3, 1.4, 1.5, 1.6, 1.3, 0.8, 0.4,
         0.2, 0.1, 0)  # fmt: skip
"""Relative flow by hour of the day: a peak before noon, another before the evening."""

WEEKDAYS = (1.25, 1.15, 1.1, 1.05, 1.0, 0.7, 0.45)
"""Relative flow by weekday from Monday."""

CAMPAIGNS = (
    ("yandex-direct", 0.30),
    ("avito", 0.25),
    ("site", 0.20),
    ("referral", 0.13),
    (TRUTHS.bad_campaign, 0.12),
)

FORCES = ("clarity", "enjoyment", "control", "belonging", "fairness", "status")


def in_hours(at: datetime) -> datetime:
    """The same moment if the agency is open then, else the next opening."""
    local = at.astimezone(ZONE)
    if local.time() < OPENS:
        return datetime.combine(local.date(), OPENS, ZONE)
    if local.time() >= CLOSES:
        return datetime.combine(local.date() + timedelta(days=1), OPENS, ZONE)
    return at
