"""Pools of tracked numbers: how many numbers there are, and who finds none."""

from typing import Final

from deploy.watch.alerts import Alert, Condition, Severity
from deploy.watch.business import ANY_COMPANY, CHOSEN
from deploy.watch.layout import GREEN, RED, Panel, Query, Row, bad_above
from otklik_contact_center.domain.tracking.health import MOST_LOST
from otklik_metrics.domain.dimensions import Text

LEAST_LOST: Final = 5
"""Fewer visitors without a number prove nothing."""

_LABELS: Final = "company, tracker, pool"
_PER_POOL: Final = "{{tracker}} · {{pool}}"


def _of(name: str, companies: str, fixed: str = "") -> str:
    """Every series once: each worker process shows all pools."""
    return f"max by ({_LABELS}) (otklik_number_pool_{name}{{{companies}{fixed}}})"


def missing(companies: str) -> str:
    """How many numbers each pool should have more; 0 where it has enough."""
    return _of("missing", companies)


def lost(companies: str) -> str:
    """Visitors of the last day who found no number of their own."""
    return _of("visitors", companies, ',found="none"')


def share_lost(companies: str) -> str:
    """The same as a share of all whom the pool was for; 0 where nobody came."""
    of_both = f"max by ({_LABELS}, found) (otklik_number_pool_visitors{{{companies}}})"
    return f"{lost(companies)} / clamp_min(sum by ({_LABELS}) ({of_both}), 1)"


def _in_use(companies: str) -> str:
    named = f"max by ({_LABELS}, state) (otklik_number_pool_numbers{{{companies},state!='free'}})"
    return f"sum by ({_LABELS}) ({named})"


def _legend(en: str, ru: str) -> Text:
    return Text(f"{_PER_POOL}: {en}", f"{_PER_POOL}: {ru}")


POOLS: Final = Row(
    Text("Tracked numbers", "Подменные номера"),
    [
        Panel(
            Text("Numbers of a pool, in use and advised", "Номера пула: заняты и сколько нужно"),
            Text(
                "In use are numbers that a visitor has and those given back that still rest. Advised "
                "are so many that at most 1 of 100 visitors of the busiest hour of 28 days finds none, "
                "by Erlang B. The 30 pools that lose most are named, the others are `other`.",
                "Заняты номера, которые сейчас у посетителя, и те, что отданы и ещё отдыхают. Нужно "
                "столько, чтобы в самый нагруженный час за 28 дней номера не досталось не больше чем "
                "1 из 100, по формуле Эрланга B. Названы 30 пулов с наибольшими потерями, "
                "остальные – `other`.",
            ),
            [
                Query(_in_use(CHOSEN), _legend("in use", "заняты")),
                Query(_of("advised", CHOSEN), _legend("advised", "нужно")),
            ],
        ),
        Panel(
            Text("Numbers missing", "Не хватает номеров"),
            Text(
                "How many numbers a pool should have more than it has, by its own busiest hour.",
                "Сколько номеров надо добавить в пул, судя по его самому нагруженному часу.",
            ),
            [Query(missing(CHOSEN), Text(_PER_POOL, _PER_POOL))],
            steps=((None, GREEN), (1, RED)),
        ),
        Panel(
            Text("Visitors who found no number", "Посетители, которым не досталось номера"),
            Text(
                "Share of the last 24 hours. They saw the number of last resort, or the page's own: "
                "nobody can tell what brought their calls.",
                "Доля за последние 24 часа. Они видели запасной номер или номер самой страницы: "
                "откуда их звонки, неизвестно.",
            ),
            [Query(share_lost(CHOSEN), Text(_PER_POOL, _PER_POOL))],
            unit="percentunit",
            steps=bad_above(MOST_LOST, 0.05),
            most=1,
            width=24,
        ),
    ],
)

NUMBERS_SHORT: Final = Alert(
    name="OtklikNumberPoolShort",
    severity=Severity.WARNING,
    when=(
        Condition(missing(ANY_COMPANY), "> 0"),
        Condition(share_lost(ANY_COMPANY), f"> {MOST_LOST}"),
        Condition(lost(ANY_COMPANY), f">= {LEAST_LOST}"),
    ),
    lasts="15m",
    summary=Text(
        "{{ $labels.company }}: pool {{ $labels.pool }} of site {{ $labels.tracker }} is too small: "
        "{{ $value }} numbers are missing",
        "{{ $labels.company }}: пул номеров мал: {{ $labels.pool }} на сайте {{ $labels.tracker }}, "
        "не хватает {{ $value }}",
    ),
    means=Text(
        f"In the last day more than {MOST_LOST * 100:.0f} of 100 visitors, and {LEAST_LOST} or more, "
        "found no number of their own. What brought their calls is unknown, so advertising that "
        "works looks as if it did not.",
        f"За сутки собственного номера не досталось больше чем {MOST_LOST * 100:.0f} из 100 "
        f"посетителей, и их не меньше {LEAST_LOST}. Откуда их звонки, неизвестно, и работающая "
        "реклама выглядит неработающей.",
    ),
    look=Text(
        "`GET /contact-center/v1/number-trackers/{code}/health`: `advised` and `busiest_hour`. Do people "
        "come, or does a robot open the pages?",
        "`GET /contact-center/v1/number-trackers/{code}/health`: `advised` и `busiest_hour`. Это люди "
        "или страницы открывает робот?",
    ),
    do=Text(
        "Rent the missing numbers and add them to the pool; the alert ends at once. Until then show "
        "a static number to the visitors that matter least, or let numbers rest for a shorter time "
        "(`grace_seconds`): then more calls are unsure.",
        "Арендуйте недостающие номера и добавьте в пул: оповещение сразу пройдёт. До этого "
        "показывайте наименее важным посетителям постоянный номер или сократите отдых номеров "
        "(`grace_seconds`): тогда больше звонков будут спорными.",
    ),
    commands=(
        'curl -sS -H "Authorization: Bearer $OTKLIK_KEY" '
        "$OTKLIK_URL/contact-center/v1/number-trackers/SITE/health",
    ),
)
