"""Rows of the platform's dashboard: HTTP, processes, the database."""

from typing import Final

from deploy.watch.installation import JOBS, RATE, errors, quantile
from deploy.watch.layout import GREEN, RED, YELLOW, Panel, Query, Row, bad_above
from otklik_common.observability import MOST_SERIES
from otklik_metrics.domain.dimensions import Text

_PROCESS: Final = Text("{{job}} {{instance}}", "{{job}} {{instance}}")
_SCHEMA: Final = Text("{{schema}}", "{{schema}}")
_ANY_IS_BAD: Final = ((None, GREEN), (1, RED))


def _process(word: str) -> Text:
    return Text(f"{word} {_PROCESS.en}", f"{word} {_PROCESS.ru}")


HTTP: Final = Row(
    Text("HTTP", "HTTP"),
    [
        Panel(
            Text("Requests", "Запросов"),
            Text("Per second, by class of status.", "В секунду, по классу ответа."),
            [
                Query(
                    f"sum by (status) (rate(otklik_http_requests_total[{RATE}]))",
                    Text("{{status}}", "{{status}}"),
                )
            ],
            "reqps",
        ),
        Panel(
            Text("Errors of ours", "Наши ошибки"),
            Text(
                "Share of requests that ended with 5xx. Shed load (503) is among them.",
                "Доля ответов 5xx, в том числе отказов при перегрузке (503).",
            ),
            [Query(errors(RATE, "job, instance"), _PROCESS)],
            "percentunit",
            steps=bad_above(0.005, 0.02),
            decimals=2,
        ),
        Panel(
            Text("Time of a request", "Время ответа"),
            Text(
                "From the first byte of a request to the last of its answer, all routes together.",
                "От первого байта запроса до последнего байта ответа, все пути вместе.",
            ),
            [
                Query(
                    quantile(q, "otklik_http_request_seconds", "job, instance", RATE),
                    _process(f"p{q * 100:.0f}"),
                )
                for q in (0.5, 0.95, 0.99)
            ],
            "s",
            steps=bad_above(0.2, 1),
        ),
        Panel(
            Text("Being answered now", "Отвечаем сейчас"),
            Text("Requests under way.", "Запросов в работе."),
            [Query("sum by (job, instance) (otklik_http_requests_running)", _PROCESS)],
        ),
    ],
)

PROCESSES: Final = Row(
    Text("Processes", "Процессы"),
    [
        Panel(
            Text("Event loop late, p99", "Задержка цикла событий, p99"),
            Text(
                "How late a task is woken. Work that holds the loop makes everybody wait.",
                "Насколько поздно будят задачу. Работа, занявшая цикл, задерживает всех.",
            ),
            [
                Query(
                    quantile(0.99, "otklik_event_loop_late_seconds", "job, instance", RATE),
                    _PROCESS,
                )
            ],
            "s",
            steps=bad_above(0.05, 0.25),
        ),
        Panel(
            Text("Waiting for a connection, p99", "Ожидание соединения, p99"),
            Text(
                "How long transactions wait for a connection of their pool. Long: raise "
                "OTKLIK_POOL_SIZE, or look for what holds connections.",
                "Сколько транзакции ждут соединения из пула. Долго – увеличьте OTKLIK_POOL_SIZE "
                "или найдите, кто держит соединения.",
            ),
            [
                Query(
                    quantile(0.99, "otklik_pool_wait_seconds", "schema, role", RATE),
                    Text("{{schema}} {{role}}", "{{schema}} {{role}}"),
                )
            ],
            "s",
            steps=bad_above(0.05, 0.1),
        ),
        Panel(
            Text("Memory", "Память"),
            Text(
                "Resident memory. A slope that never ends is a leak.",
                "Занятая память. Бесконечный рост – утечка.",
            ),
            [Query(f"process_resident_memory_bytes{{{JOBS}}}", _PROCESS)],
            "bytes",
        ),
        Panel(
            Text("Processor", "Процессор"),
            Text("Cores in use.", "Занято ядер."),
            [Query(f"rate(process_cpu_seconds_total{{{JOBS}}}[{RATE}])", _PROCESS)],
            decimals=2,
        ),
        Panel(
            Text("Clock against the database's", "Часы относительно базы"),
            Text(
                "How far the database's clock is ahead of the process's. Deadlines and today's "
                "numbers go by clocks.",
                "Насколько часы базы впереди часов процесса. По часам считаются сроки и числа за "
                "сегодня.",
            ),
            [Query("max by (job, instance) (otklik_clock_skew_seconds)", _PROCESS)],
            "s",
            steps=((None, RED), (-2, GREEN), (2, RED)),
            least=None,
        ),
        Panel(
            Text("Starts and own endings", "Запуски и самозавершения"),
            Text(
                "Starts of the last hour, whatever the reason; and how often a worker ended itself "
                "because it stood still or could not trust a send.",
                "Запуски за час по любой причине и сколько раз процесс завершил себя, потому что "
                "стоял или не мог доверять отправке.",
            ),
            [
                Query(f"changes(process_start_time_seconds{{{JOBS}}}[1h])", _PROCESS),
                Query(
                    "sum by (reason) (increase(otklik_process_self_endings_total[1h]))",
                    Text("{{reason}}", "{{reason}}"),
                ),
            ],
            steps=((None, GREEN), (1, YELLOW), (3, RED)),
        ),
        Panel(
            Text("Series of a scrape", "Рядов за один опрос"),
            Text(
                f"The budget is {MOST_SERIES:,} of a process. Prometheus counts them by itself.",
                f"Бюджет – {MOST_SERIES} на процесс. Prometheus считает их сам.",
            ),
            [Query(f"scrape_samples_scraped{{{JOBS}}}", _PROCESS)],
            steps=bad_above(MOST_SERIES * 0.8, MOST_SERIES),
        ),
        Panel(
            Text("Groups cut into `other`", "Групп, попавших в `other`"),
            Text(
                "Branches and queues that have no series of their own, to stay within the budget.",
                "Филиалы и очереди без своего ряда, чтобы остаться в бюджете.",
            ),
            [Query("max(otklik_exposition_cut_groups)", Text("groups", "групп"))],
            steps=bad_above(1, 100),
        ),
    ],
)

DATABASE: Final = Row(
    Text("Database", "База данных"),
    [
        Panel(
            Text("Oldest snapshot", "Самый старый снимок"),
            Text(
                "Nothing deleted since can be vacuumed. Look for a report or a backup that runs on.",
                "Всё удалённое позже не убирается. Ищите долгий отчёт или резервную копию.",
            ),
            [Query("max by (schema) (otklik_oldest_snapshot_seconds)", _SCHEMA)],
            "s",
            steps=bad_above(60, 300),
        ),
        Panel(
            Text("Dead rows of the outbox", "Мёртвые строки outbox"),
            Text(
                "Sent and deleted, not yet vacuumed. Many of them make the relay slow.",
                "Отправлены и удалены, но не убраны. Когда их много, отправитель замедляется.",
            ),
            [Query("max by (schema) (otklik_outbox_dead_rows)", _SCHEMA)],
            steps=bad_above(10_000, 50_000),
        ),
        Panel(
            Text("Ledger of points: faults", "Счета баллов: расхождения"),
            Text(
                "Balances that are not the sum of their entries. Must be 0, always.",
                "Остатки, не равные сумме записей. Всегда должно быть 0.",
            ),
            [
                Query(
                    "max(otklik_loyalty_ledger_faults)",
                    Text("faults", "расхождений"),
                )
            ],
            steps=_ANY_IS_BAD,
        ),
    ],
)
