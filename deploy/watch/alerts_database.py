"""Alerts of the database, and of the ledger of points in it."""

from typing import Final

from deploy.watch.alerts import Alert, Severity, only
from deploy.watch.installation import quantile
from otklik_metrics.domain.dimensions import Text

DATABASE: Final = (
    Alert(
        name="OtklikPoolWaits",
        severity=Severity.WARNING,
        when=only(quantile(0.99, "otklik_pool_wait_seconds", "schema, role", "5m"), "> 0.1"),
        lasts="5m",
        summary=Text(
            "{{ $labels.schema }} ({{ $labels.role }}) waits {{ $value | humanizeDuration }} for a "
            "connection",
            "{{ $labels.schema }} ({{ $labels.role }}) ждёт соединения "
            "{{ $value | humanizeDuration }}",
        ),
        means=Text(
            "Requests queue for a connection to the database before they begin.",
            "Запросы стоят в очереди за соединением с базой, не начавшись.",
        ),
        look=Text(
            "Are there slow statements, or simply more requests than connections?",
            "Есть медленные запросы к базе или запросов просто больше, чем соединений?",
        ),
        do=Text(
            "Raise OTKLIK_POOL_SIZE if the database has connections left; otherwise find what is "
            "slow.",
            "Увеличьте OTKLIK_POOL_SIZE, если у базы есть запас соединений; иначе найдите, что "
            "тормозит.",
        ),
        commands=(
            'psql -c "SELECT usename, state, count(*), max(now() - query_start) FROM '
            "pg_stat_activity WHERE usename LIKE 'otklik_%' GROUP BY 1, 2 ORDER BY 4 DESC\"",
        ),
    ),
    Alert(
        name="OtklikOldSnapshot",
        severity=Severity.WARNING,
        when=only("max by (schema) (otklik_oldest_snapshot_seconds)", "> 300"),
        lasts="1m",
        summary=Text(
            "a session has held a snapshot for {{ $value | humanizeDuration }}",
            "сессия держит снимок базы {{ $value | humanizeDuration }}",
        ),
        means=Text(
            "A report, a backup or a forgotten session keeps PostgreSQL from tidying up. The outbox "
            "and the inbox grow slow, all others with them.",
            "Отчёт, резервная копия или забытая сессия не дают PostgreSQL убирать за собой. "
            "Замедляются outbox и inbox, а за ними все.",
        ),
        look=Text("Whose session it is.", "Чья это сессия."),
        do=Text(
            "A backup: let it end. Anything else: end it, and let reports read a replica.",
            "Резервная копия – дайте закончить. Остальное завершите; отчётам дайте реплику.",
        ),
        commands=(
            'psql -c "SELECT pid, usename, application_name, now() - xact_start AS open FROM '
            "pg_stat_activity WHERE backend_xmin IS NOT NULL ORDER BY age(backend_xmin) DESC "
            'LIMIT 5"',
        ),
    ),
    Alert(
        name="OtklikOutboxBloat",
        severity=Severity.WARNING,
        when=only("max by (schema) (otklik_outbox_dead_rows)", "> 50000"),
        lasts="10m",
        summary=Text(
            "the outbox of {{ $labels.schema }} has {{ $value }} dead rows",
            "в outbox сервиса {{ $labels.schema }} {{ $value }} мёртвых строк",
        ),
        means=Text(
            "Rows that were sent and deleted are not vacuumed. The relay reads through them each "
            "time and grows slow.",
            "Отправленные и удалённые строки не убраны. Отправитель каждый раз читает сквозь них и "
            "замедляется.",
        ),
        look=Text(
            "OtklikOldSnapshot first: with an old snapshot vacuum can do nothing.",
            "Сначала OtklikOldSnapshot: при старом снимке уборка бессильна.",
        ),
        do=Text(
            "End the old session, then vacuum by hand.",
            "Завершите старую сессию, затем уберите вручную.",
        ),
        commands=('psql -c "VACUUM (VERBOSE) contact_center.outbox"',),
    ),
    Alert(
        name="OtklikLedgerFaults",
        severity=Severity.CRITICAL,
        when=only("max(otklik_loyalty_ledger_faults)", "> 0"),
        lasts="0m",
        summary=Text(
            "{{ $value }} faults in the ledger of points",
            "расхождений в счетах баллов: {{ $value }}",
        ),
        means=Text(
            "A balance of points is not the sum of its entries, or a transfer does not add up to 0. "
            "It must never happen.",
            "Остаток баллов не равен сумме записей, или перевод не сходится в ноль. Такого не "
            "бывает никогда.",
        ),
        look=Text(
            "The lines `balance differs from its entries` and `transfer does not add up` name the "
            "company and the transfer.",
            "Строки `balance differs from its entries` и `transfer does not add up` называют "
            "компанию и перевод.",
        ),
        do=Text(
            "Change nothing by hand. Keep a dump of the loyalty schema, and report it.",
            "Ничего не правьте руками. Сохраните дамп схемы loyalty и сообщите о случае.",
        ),
        commands=("pg_dump --schema=loyalty --format=custom --file=loyalty.dump",),
    ),
    Alert(
        name="OtklikLedgerUnchecked",
        severity=Severity.WARNING,
        when=only("time() - max(otklik_loyalty_ledger_checked_timestamp_seconds > 0)", "> 28800"),
        lasts="15m",
        summary=Text(
            "the ledger of points was last checked {{ $value | humanizeDuration }} ago",
            "счета баллов проверены {{ $value | humanizeDuration }} назад",
        ),
        means=Text(
            "The audit that runs every six hours has not run for eight.",
            "Проверка, идущая каждые шесть часов, не проходила восемь.",
        ),
        look=Text(
            "Does the loyalty worker run? It says `ledger audit put off` where the database fails.",
            "Работает ли worker loyalty? При сбое базы он пишет `ledger audit put off`.",
        ),
        do=Text(
            "Start the worker again: it audits at its start.",
            "Запустите worker снова: он проверяет при запуске.",
        ),
    ),
)
