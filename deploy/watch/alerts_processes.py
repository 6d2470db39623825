"""Alerts of processes: whether they run, answer in time, and have enough of what they need."""

from typing import Final

from deploy.watch.alerts import Alert, Condition, Severity, only
from deploy.watch.installation import JOBS, errors, quantile
from otklik_common.observability import MOST_SERIES
from otklik_metrics.domain.dimensions import Text

PROCESSES: Final = (
    Alert(
        name="OtklikProcessDown",
        severity=Severity.CRITICAL,
        when=only(f"up{{{JOBS}}}", "== 0"),
        lasts="1m",
        summary=Text(
            "{{ $labels.job }} at {{ $labels.instance }} does not answer",
            "{{ $labels.job }} на {{ $labels.instance }} не отвечает",
        ),
        means=Text(
            "Prometheus cannot read a process of Otklik: it has ended, or its network or token is "
            "wrong. If it was the only API, nobody can push or ask; if it was the only worker, "
            "numbers stand still.",
            "Prometheus не может прочитать процесс Отклика: он завершился либо неверны сеть или "
            "токен. Если это единственный API, никто не может передать события и спросить числа; "
            "если единственный worker – числа стоят.",
        ),
        look=Text(
            "Does it run, and what did it say last? A 401 in Prometheus' list of targets is a "
            "wrong operations token.",
            "Работает ли он и что написал последним? 401 в списке целей Prometheus – неверный "
            "токен операций.",
        ),
        do=Text(
            "Start it. If it ends again, its last line names the setting or the error.",
            "Запустите его. Если завершается снова, последняя строка называет настройку или ошибку.",
        ),
        commands=(
            'curl -sS -H "Authorization: Bearer $OTKLIK_OPERATIONS_TOKEN" '
            "$OTKLIK_URL/metrics | head -n 3",
        ),
    ),
    Alert(
        name="OtklikCheckFailing",
        severity=Severity.CRITICAL,
        when=only("max by (job, instance, check) (otklik_check_failing)", "> 0"),
        lasts="2m",
        summary=Text(
            "{{ $labels.job }} at {{ $labels.instance }} is not ready: {{ $labels.check }}",
            "{{ $labels.job }} на {{ $labels.instance }} не готов: {{ $labels.check }}",
        ),
        means=Text(
            "A process runs, but something it needs does not answer: a database, a relay, a "
            "consumer.",
            "Процесс работает, но не отвечает то, что ему нужно: база, отправитель, читатель.",
        ),
        look=Text(
            "/readyz of that process says why in one line.",
            "/readyz этого процесса одной строкой говорит почему.",
        ),
        do=Text(
            "Bring back what is missing; the process goes on by itself. It does not have to be "
            "started anew.",
            "Верните то, чего не хватает: процесс продолжит сам. Перезапускать его не нужно.",
        ),
        commands=("curl -sS $OTKLIK_URL/readyz", "otklik doctor"),
    ),
    Alert(
        name="OtklikEndedItself",
        severity=Severity.WARNING,
        when=only(
            "sum by (job, instance, reason) (increase(otklik_process_self_endings_total[15m]))",
            "> 0",
        ),
        lasts="0m",
        summary=Text(
            "{{ $labels.job }} at {{ $labels.instance }} ended itself: {{ $labels.reason }}",
            "{{ $labels.job }} на {{ $labels.instance }} завершил себя: {{ $labels.reason }}",
        ),
        means=Text(
            "A worker stood still (`stuck`) or did not learn whether the log had kept a batch "
            "(`send_failed`). It ended itself and was started anew; nothing is lost or counted "
            "twice by that. Once is a hiccup of disk or network, every hour is a fault. "
            "Counted where OTKLIK_RUN_FOLDER is set.",
            "Процесс стоял (`stuck`) или не узнал, принял ли журнал пачку (`send_failed`). Он "
            "завершил себя и был запущен заново; от этого ничего не теряется и не считается "
            "дважды. Один раз – заминка диска или сети, каждый час – неисправность. "
            "Считается там, где задан OTKLIK_RUN_FOLDER.",
        ),
        look=Text(
            "The log of the process before its end: `process ends itself`, and for `stuck` the "
            "stacks of all its threads.",
            "Журнал процесса перед концом: `process ends itself`, а для `stuck` ещё стеки всех "
            "потоков.",
        ),
        do=Text(
            "For `send_failed` look at the brokers. For `stuck` keep the stacks: they name the line "
            "that stood still.",
            "При `send_failed` смотрите брокеры. При `stuck` сохраните стеки: в них строка, на "
            "которой всё встало.",
        ),
        commands=('grep -B 60 "process ends itself" worker.log',),
    ),
    Alert(
        name="OtklikRestarts",
        severity=Severity.WARNING,
        when=only(f"changes(process_start_time_seconds{{{JOBS}}}[15m])", "> 2"),
        lasts="0m",
        summary=Text(
            "{{ $labels.job }} at {{ $labels.instance }} was started {{ $value }} times in 15 min",
            "{{ $labels.job }} на {{ $labels.instance }} запускался {{ $value }} раз за 15 мин",
        ),
        means=Text(
            "A process ends again and again, whatever the reason: an error, no memory, a probe that "
            "kills it.",
            "Процесс завершается снова и снова по любой причине: ошибка, нехватка памяти, проба, "
            "которая его убивает.",
        ),
        look=Text(
            "Its last lines, and who ended it: exit status 137 is a kill, mostly for memory; 3 and 4 "
            "are its own endings.",
            "Его последние строки и кто его завершил: код 137 – убит, чаще из-за памяти; 3 и 4 – "
            "завершил себя сам.",
        ),
        do=Text(
            "Mend the cause that the lines name; give it more memory after 137.",
            "Устраните названную причину; после 137 дайте больше памяти.",
        ),
        commands=("kubectl describe pod POD | grep -A 6 'Last State'",),
    ),
    Alert(
        name="OtklikClockSkew",
        severity=Severity.WARNING,
        when=only("max by (job, instance) (abs(otklik_clock_skew_seconds))", "> 2"),
        lasts="2m",
        summary=Text(
            "clocks of {{ $labels.instance }} and the database are "
            "{{ $value | humanizeDuration }} apart",
            "часы {{ $labels.instance }} и базы расходятся на {{ $value | humanizeDuration }}",
        ),
        means=Text(
            "The clock of a process and that of the database disagree. Waits, deadlines and what "
            "counts as today go by clocks.",
            "Часы процесса и базы показывают разное время. По часам считаются ожидания, сроки и "
            "то, что относится к сегодня.",
        ),
        look=Text(
            "Time synchronisation of both machines.", "Синхронизацию времени на обеих машинах."
        ),
        do=Text(
            "Start it again where it does not run. Facts keep their order meanwhile: it does not "
            "rest on clocks.",
            "Запустите её там, где она не работает. Порядок фактов не страдает: он не зависит от "
            "часов.",
        ),
        commands=("timedatectl show-timesync --property=ServerName --property=NTPMessage",),
    ),
    Alert(
        name="OtklikEventLoopLate",
        severity=Severity.WARNING,
        when=only(
            quantile(0.99, "otklik_event_loop_late_seconds", "job, instance", "5m"), "> 0.25"
        ),
        lasts="5m",
        summary=Text(
            "{{ $labels.instance }} is late by {{ $value | humanizeDuration }}",
            "{{ $labels.instance }} опаздывает на {{ $value | humanizeDuration }}",
        ),
        means=Text(
            "The process has more to compute than its core can do, or the machine is too busy. "
            "Everybody whom it answers waits.",
            "Процессу нужно считать больше, чем может его ядро, или машина перегружена. Ждут все, "
            "кому он отвечает.",
        ),
        look=Text(
            "The panels Processor and Requests: did load rise, or does one process use a whole core?",
            "Панели «Процессор» и «Запросов»: выросла нагрузка или один процесс занял целое ядро?",
        ),
        do=Text(
            "Start another replica. If load did not rise, look for the large import or report that "
            "began at that time.",
            "Запустите ещё одну копию. Если нагрузка не росла, ищите большой импорт или отчёт, "
            "начавшийся в это время.",
        ),
    ),
    Alert(
        name="OtklikTooManySeries",
        severity=Severity.WARNING,
        when=only(f"scrape_samples_scraped{{{JOBS}}}", f"> {MOST_SERIES}"),
        lasts="15m",
        summary=Text(
            "a scrape of {{ $labels.instance }} brings {{ $value }} series",
            "опрос {{ $labels.instance }} приносит {{ $value }} рядов",
        ),
        means=Text(
            f"A process shows more than {MOST_SERIES} series. Nothing is wrong for customers; "
            "Prometheus grows.",
            f"Процесс показывает больше {MOST_SERIES} рядов. Клиентам это не вредит; растёт "
            "Prometheus.",
        ),
        look=Text("Which names are most frequent.", "Какие имена встречаются чаще всего."),
        do=Text(
            "Business numbers are cut into `other` by themselves. If another name leads, a label "
            "has too many values: report it.",
            "Деловые числа сами уходят в `other`. Если впереди другое имя, у метки слишком много "
            "значений: сообщите об этом.",
        ),
        commands=(
            'curl -sS -H "Authorization: Bearer $OTKLIK_OPERATIONS_TOKEN" $OTKLIK_URL/metrics '
            "| grep -v '^#' | sed 's/[{ ].*//' | sort | uniq -c | sort -rn | head",
        ),
    ),
    Alert(
        name="OtklikApiErrors",
        severity=Severity.CRITICAL,
        when=(
            Condition(errors("5m", "job, instance"), "> 0.02"),
            Condition("sum by (job, instance) (increase(otklik_http_requests_total[5m]))", "> 100"),
        ),
        lasts="5m",
        summary=Text(
            "{{ $value | humanizePercentage }} of requests to {{ $labels.instance }} fail",
            "{{ $value | humanizePercentage }} запросов к {{ $labels.instance }} заканчиваются ошибкой",
        ),
        means=Text(
            "More than 2 of 100 requests end with 5xx. Whoever pushes events repeats them, so they "
            "come late; people see an error.",
            "Больше 2 запросов из 100 заканчиваются 5xx. Кто передаёт события, повторит их, и они "
            "придут позже; люди видят ошибку.",
        ),
        look=Text(
            "Which routes, and is it 503 (the database is away or busy) or 500 (a fault of ours)? "
            "Every 500 has a line with its places in the code.",
            "Какие пути и что это: 503 (база недоступна или занята) или 500 (наша ошибка)? Для "
            "каждого 500 есть строка журнала с местами в коде.",
        ),
        do=Text(
            "For 503 see OtklikCheckFailing and OtklikPoolWaits. For 500 after an upgrade go back to "
            "the release before, and report the line.",
            "При 503 смотрите OtklikCheckFailing и OtklikPoolWaits. При 500 после обновления "
            "вернитесь к прошлому выпуску и сообщите строку журнала.",
        ),
        commands=('grep \'"level":"error"\' api.log | tail -n 5',),
    ),
    Alert(
        name="OtklikApiSlow",
        severity=Severity.WARNING,
        when=only(quantile(0.99, "otklik_http_request_seconds", "job, instance", "5m"), "> 1"),
        lasts="10m",
        summary=Text(
            "one request of 100 to {{ $labels.instance }} takes {{ $value | humanizeDuration }} or more",
            "один запрос из 100 к {{ $labels.instance }} длится от {{ $value | humanizeDuration }}",
        ),
        means=Text(
            "The slowest hundredth of requests takes more than a second.",
            "Самая медленная сотая часть запросов длится больше секунды.",
        ),
        look=Text(
            "By route: are all slow, or one? Then Event loop late, Waiting for a connection, and the "
            "database.",
            "По путям: медленны все или один? Затем «Задержка цикла событий», «Ожидание "
            "соединения» и база.",
        ),
        do=Text(
            "All slow: another replica, or a larger database. One route: a report over a long time "
            "is asked for too often.",
            "Медленны все: ещё одна копия или база побольше. Один путь: слишком часто спрашивают "
            "отчёт за долгий срок.",
        ),
    ),
)
