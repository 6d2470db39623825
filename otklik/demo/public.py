"""What customers write in public, what they demand in writing, and what the agency does about it."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from otklik.demo.agency import BRANCHES, ZONE, Branch, in_hours
from otklik.demo.people import Person, weighted

if TYPE_CHECKING:
    from otklik.demo.simulation import Push, World

REVIEWS_A_DAY = 1.6
"""Of all branches; more of the larger ones."""

SITES = (("yandex_maps", 0.5), ("2gis", 0.3), ("google", 0.1), ("own_site", 0.1))
STARS = (("5", 0.62), ("4", 0.14), ("3", 0.08), ("2", 0.06), ("1", 0.1))
SLOW_STARS = (("5", 0.3), ("4", 0.14), ("3", 0.16), ("2", 0.16), ("1", 0.24))
"""Where nobody calls back in time, it is written down."""

AUTHORS = ("Анна", "Игорь", "Мария", "Олег", "Светлана", "Тимур")
TEXTS = {
    5: "Нашли квартиру за две недели, всё объяснили и провели сделку без нервов",
    4: "В целом хорошо, но показ один раз перенесли",
    3: "Обычное агентство, ничего особенного",
    2: "Долго ждал звонка, пришлось напоминать о себе",
    1: "Никто не перезвонил, квартиру купил у других",
}
SORRY = "Просим прощения, что заставили ждать. Руководитель филиала уже свяжется с вами"
THANKS = "Спасибо, что выбрали нас!"

TOPICS = (("deposit", 0.3), ("manners", 0.3), ("documents", 0.4))
WISHES = (("apology", 0.5), ("compensation", 0.3), ("refund", 0.2))
ENDS = (("apologised", 0.5), ("compensated", 0.3), ("refused", 0.2))


def reviews(world: "World", seed: int, day: date) -> "Iterator[Push]":
    """The reviews of a day with their replies; dice of their own leave the rest of life as it is."""
    random = Random(f"{seed}/{day.isoformat()}/reviews")  # noqa: S311 - a simulation, repeatable
    whole = sum(branch.share for branch in BRANCHES)
    for branch in BRANCHES:
        if random.random() < REVIEWS_A_DAY * branch.share / whole:
            yield from _review(world, random, branch, day)


def _review(world: "World", random: Random, branch: Branch, day: date) -> "Iterator[Push]":
    slow = branch.promptness
    seconds = random.randrange(9 * 3_600, 23 * 3_600)
    at = datetime(day.year, day.month, day.day, tzinfo=ZONE) + timedelta(seconds=seconds)
    stars = int(weighted(random, STARS if slow == 1.0 else SLOW_STARS))
    author, site = random.choice(AUTHORS), weighted(random, SITES)
    body = {
        "source": site,
        "id": f"demo-review-{branch.code}-{day:%Y%m%d}",
        "written_at": at.isoformat(),
        "stars": stars,
        "author": author,
        "branch": branch.code,
    }
    if random.random() < 0.8:
        body["text"] = TEXTS[stars]
    yield world.push(at, "review", body)
    waited = timedelta(hours=random.lognormvariate(1.6, 0.8) * slow)
    if random.random() < (0.9 if slow == 1.0 else 0.45):
        replied = in_hours(at) + waited
        text = SORRY if stars <= 3 else THANKS
        step = {"id": f"{body['id']}-reply", "text": text, "at": replied.isoformat()}
        yield world.push(replied, "review_reply", step | {"review": body})


def claim(
    world: "World",
    person: Person,
    *,
    contact: str,
    channel: str,
    at: datetime,
    replied: datetime,
    ended: datetime | None,
) -> "Iterator[Push]":
    """
    The claim behind a written contact, with its steps.

    Args:
        ended: When it was worked off; None: it was not.
    """
    random = Random(contact)  # noqa: S311 - a simulation, repeatable
    body: dict[str, Any] = {
        "id": contact,
        "received_at": at.isoformat(),
        "text": "Прошу разобраться и ответить письменно",
        "topic": weighted(random, TOPICS),
        "severity": random.choice(("low", "medium", "high")),
        "wish": weighted(random, WISHES),
        "customer": {"phone": person.phone},
        "contact": contact,
        "channel": channel,
        "party": person.party,
        "branch": person.branch.code,
        "agent": person.realtor.code,
    }
    yield world.push(at, "claim", body)
    steps = [("react", "replied", replied)]
    if ended is not None:
        steps.append(("work-off", weighted(random, ENDS), ended))
    for step, reason, moment in steps:
        said = {
            "id": f"{contact}-{step}",
            "step": step,
            "reason": reason,
            "note": "Написали клиенту" if step == "react" else "Договорились с клиентом",
            "at": moment.isoformat(),
        }
        yield world.push(moment, "claim_step", said | {"claim": body})
