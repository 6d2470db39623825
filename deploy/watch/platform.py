"""What whoever runs the installation looks at: does everything move, and how near is the limit."""

from typing import Final

from deploy.watch.installation import JOBS, RATE
from deploy.watch.layout import GREEN, RED, Dashboard, Look, Panel, Query, Row, Steps, bad_above
from deploy.watch.platform_processes import DATABASE, HTTP, PROCESSES
from otklik_metrics.domain.dimensions import Text

_SCHEMA: Final = Text("{{schema}}", "{{schema}}")
_TOPIC: Final = Text("{{topic}}", "{{topic}}")
_CONSUMER: Final = Text("{{consumer}}", "{{consumer}}")
_ANY_IS_BAD: Final = ((None, GREEN), (1, RED))


def _number(title: Text, text: Text, expr: str, steps: Steps, unit: str = "short") -> Panel:
    return Panel(
        title,
        text,
        [Query(expr)],
        unit,
        look=Look.NUMBER,
        steps=steps,
        width=4,
        height=5,
    )


AT_A_GLANCE: Final = Row(
    Text("At a glance", "Коротко"),
    [
        _number(
            Text("Processes that answer", "Отвечающих процессов"),
            Text("Of those that Prometheus is told of.", "Из тех, о которых знает Prometheus."),
            f"sum(up{{{JOBS}}})",
            ((None, RED), (1, GREEN)),
        ),
        _number(
            Text("Checks that fail", "Проверок с ошибкой"),
            Text(
                "Databases, relays and consumers that are not ready; /readyz names them and why.",
                "Базы, отправители и читатели, которые не готовы; /readyz называет их и причину.",
            ),
            "sum(otklik_check_failing)",
            _ANY_IS_BAD,
        ),
        _number(
            Text("Oldest fact not on the log", "Самый старый неотправленный факт"),
            Text(
                "What customers did is safe, but numbers and points do not know it yet.",
                "То, что сделали клиенты, сохранено, но числа и баллы об этом ещё не знают.",
            ),
            "max(otklik_relay_oldest_seconds)",
            bad_above(2, 10),
            "s",
        ),
        _number(
            Text("Slowest consumer", "Самый отстающий читатель"),
            Text("How far behind the numbers are.", "Насколько отстают числа."),
            "max(otklik_consumer_lag_seconds)",
            bad_above(10, 60),
            "s",
        ),
        _number(
            Text("Dead letters open", "Открытых dead letters"),
            Text(
                "Records put aside: counted nowhere until `otklik dead-letters redrive`.",
                "Отложенные записи: нигде не учтены до `otklik dead-letters redrive`.",
            ),
            "sum(max by (schema) (otklik_dead_letters_open))",
            _ANY_IS_BAD,
        ),
        _number(
            Text("Ended themselves, 24 h", "Завершили себя, 24 ч"),
            Text(
                "Workers that stood still or could not trust a send, and were started anew.",
                "Процессы, которые стояли или не могли доверять отправке и были запущены заново.",
            ),
            "sum(increase(otklik_process_self_endings_total[24h]))",
            _ANY_IS_BAD,
        ),
    ],
)

WAY_OF_A_FACT: Final = Row(
    Text("From a push to a number", "От события до числа"),
    [
        Panel(
            Text("Oldest event not folded", "Самое старое неразобранное событие"),
            Text(
                "Pushed events wait to be made contacts. `bulk` are imports: they may wait for "
                "hours. `live` happens now.",
                "Принятые события ждут, пока станут обращениями. `bulk` – импорт, он может ждать "
                "часами. `live` – то, что происходит сейчас.",
            ),
            [
                Query(
                    "max by (lane) (otklik_contact_center_unfolded_seconds)",
                    Text("{{lane}}", "{{lane}}"),
                )
            ],
            "s",
            steps=bad_above(10, 30),
        ),
        Panel(
            Text("Marks waiting to be folded", "Отметок в очереди на разбор"),
            Text(
                "At most 100,000 of each lane are counted. Parked contacts wait for somebody.",
                "Считаются не больше 100 000 в каждой очереди. Отложенные ждут человека.",
            ),
            [
                Query(
                    "max by (lane) (otklik_contact_center_dirty_rows)",
                    Text("{{lane}}", "{{lane}}"),
                ),
                Query(
                    "max(otklik_contact_center_parked_contacts)",
                    Text("parked", "отложены"),
                ),
            ],
        ),
        Panel(
            Text("Oldest fact in the outbox", "Самый старый факт в outbox"),
            Text(
                "By the active relay of each service. Above 10 s the log does not take facts.",
                "По данным активного отправителя каждого сервиса. Больше 10 с – журнал не "
                "принимает факты.",
            ),
            [Query("max by (topic) (otklik_relay_oldest_seconds)", _TOPIC)],
            "s",
            steps=bad_above(2, 10),
        ),
        Panel(
            Text("Facts moved to the log", "Фактов отправлено в журнал"),
            Text("Per second, by service.", "В секунду, по сервисам."),
            [Query(f"sum by (topic) (rate(otklik_relay_facts_total[{RATE}]))", _TOPIC)],
            "cps",
        ),
        Panel(
            Text("Consumers behind, in time", "Отставание читателей, время"),
            Text(
                "Age of the newest record taken in while others wait; 0 when none do.",
                "Возраст последней взятой записи, пока ждут другие; 0 – никто не ждёт.",
            ),
            [Query("max by (consumer) (otklik_consumer_lag_seconds)", _CONSUMER)],
            "s",
            steps=bad_above(10, 60),
        ),
        Panel(
            Text("Consumers behind, in records", "Отставание читателей, записи"),
            Text(
                "Records on the log that a consumer has not taken in.",
                "Записи в журнале, которые читатель ещё не взял.",
            ),
            [Query("sum by (consumer) (otklik_consumer_lag_records)", _CONSUMER)],
        ),
        Panel(
            Text("In trouble", "Что мешает"),
            Text(
                "1 while the log or the database keeps a relay or a consumer from its work.",
                "1, пока журнал или база не дают отправителю или читателю работать.",
            ),
            [
                Query("max by (topic) (otklik_relay_troubled)", _TOPIC),
                Query("max by (consumer) (otklik_consumer_troubled)", _CONSUMER),
            ],
            steps=_ANY_IS_BAD,
            most=1,
        ),
        Panel(
            Text("Records put aside", "Отложенные записи"),
            Text(
                "New dead letters of the last hour by consumer, and all that are open by service.",
                "Новые dead letters за час по читателям и все открытые по сервисам.",
            ),
            [
                Query(
                    "sum by (consumer) (increase(otklik_consumer_dead_letters_total[1h]))",
                    _CONSUMER,
                ),
                Query("max by (schema) (otklik_dead_letters_open)", _SCHEMA),
            ],
            steps=_ANY_IS_BAD,
        ),
    ],
)

PLATFORM: Final = Dashboard(
    name="platform",
    title=Text("Otklik: the installation", "Отклик: установка"),
    about=Text(
        "Whether everything moves: outbox, log, consumers, HTTP, processes, database.",
        "Всё ли движется: outbox, журнал, читатели, HTTP, процессы, база.",
    ),
    rows=[AT_A_GLANCE, WAY_OF_A_FACT, HTTP, PROCESSES, DATABASE],
)
