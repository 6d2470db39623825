"""Alerts of those who answer customers and of those who hear what they say."""

from typing import Final

from deploy.watch.alerts import Alert, Condition, Group, Record, Severity, only
from deploy.watch.business import ANY_COMPANY, Nps, Z, each, silent_sources
from deploy.watch.operations import (
    BASE_HOUR,
    CASES_OVERDUE,
    LEVEL_HOUR,
    NOT_CALLED_BACK,
    SLA_OVERDUE,
)
from deploy.watch.pools import NUMBERS_SHORT
from deploy.watch.requests import PROMISES_AT_RISK
from deploy.watch.steps import SERVICE_LEVEL_TARGET
from otklik_metrics.domain.dimensions import Text

LEAST_CONTACTS: Final = 20
"""Fewer contacts of an hour prove nothing: one more call unanswered is 5 points and more."""

LEAST_ANSWERS: Final = 100
"""Of NPS, both now and before."""

ANSWERS: Final = "otklik:nps_answers:company"
POINTS: Final = "otklik:nps_points:company"
VARIANCE: Final = "otklik:nps_variance:company"

SILENT_SOURCES: Final = silent_sources(ANY_COMPANY)

_TODAY: Final = "--from $(date +%F) --to $(date -d tomorrow +%F)"
_MONTH: Final = "--from $(date -d '28 days ago' +%F) --to $(date -d tomorrow +%F)"
_AHEAD: Final = "--from $(date -d '28 days ago' +%F) --to $(date -d '3 days' +%F)"
_YEAR: Final = "--from $(date -d '1 year ago' +%F) --to $(date -d tomorrow +%F)"

_MEASURED: Final = Nps.of(ANY_COMPANY, ("company",))
_NPS: Final = Nps("otklik:nps_promoters:company", "otklik:nps_detractors:company", ANSWERS)
_BEFORE: Final = " offset 28d"

RECORDS: Final = (
    Record(_NPS.promoters, _MEASURED.promoters),
    Record(_NPS.detractors, _MEASURED.detractors),
    Record(ANSWERS, _MEASURED.n),
    Record(POINTS, _NPS.points),
    Record(VARIANCE, _NPS.variance),
)

OPERATIONS: Final = Group(
    "operations",
    Text("Answering customers", "Ответы клиентам"),
    (
        Alert(
            name="OtklikNumbersOld",
            severity=Severity.CRITICAL,
            when=only("max by (job, instance) (otklik_exposition_age_seconds)", "> 120"),
            lasts="2m",
            summary=Text(
                "the business numbers of {{ $labels.instance }} are "
                "{{ $value | humanizeDuration }} old",
                "деловым числам {{ $labels.instance }} уже {{ $value | humanizeDuration }}",
            ),
            means=Text(
                "What dashboards and alerts show of calls, NPS and cases was computed minutes ago. "
                "Until this is over, no business alert can be trusted, nor their silence.",
                "Числа о звонках, NPS и кейсах посчитаны минуты назад. Пока это так, нельзя верить "
                "ни деловым оповещениям, ни их молчанию.",
            ),
            look=Text(
                "Does the metrics worker run, and does it log `background work put off`? An API "
                "that cannot read logs `gauges not read`.",
                "Работает ли worker metrics, пишет ли он `background work put off`? API, который не "
                "может прочитать числа, пишет `gauges not read`.",
            ),
            do=Text(
                "Bring back the worker or its database; the numbers follow within 20 s.",
                "Верните worker или его базу; числа появятся за 20 с.",
            ),
            commands=("otklik doctor",),
        ),
        Alert(
            name="OtklikNumbersMissing",
            severity=Severity.CRITICAL,
            when=only("(count(otklik_exposition_age_seconds) or vector(0))", "< 1"),
            lasts="10m",
            summary=Text(
                "no process shows business numbers", "деловые числа не показывает ни один процесс"
            ),
            means=Text(
                "Prometheus has no business numbers at all, so every alert on them is silent.",
                "У Prometheus совсем нет деловых чисел, и все оповещения по ним молчат.",
            ),
            look=Text(
                "Is the API of metrics scraped with the operations token? A key sees its own company "
                "only.",
                "Опрашивается ли API metrics с токеном операций? Ключ видит только свою компанию.",
            ),
            do=Text(
                "Name it in Prometheus' configuration, or start the metrics worker that computes "
                "them.",
                "Укажите его в настройках Prometheus или запустите worker metrics, который их "
                "считает.",
            ),
            commands=(
                'curl -sS -H "Authorization: Bearer $OTKLIK_OPERATIONS_TOKEN" '
                "$OTKLIK_URL/metrics | grep otklik_exposition",
            ),
        ),
        Alert(
            name="OtklikServiceLevelLow",
            severity=Severity.WARNING,
            when=(
                Condition(each(LEVEL_HOUR, ANY_COMPANY), f"< {SERVICE_LEVEL_TARGET}"),
                Condition(each(BASE_HOUR, ANY_COMPANY), f">= {LEAST_CONTACTS}"),
            ),
            lasts="15m",
            summary=Text(
                "queue {{ $labels.queue }} ({{ $labels.channel }}): "
                "{{ $value | humanizePercentage }} answered within 20 s",
                "очередь {{ $labels.queue }} ({{ $labels.channel }}): за 20 с ответили "
                "{{ $value | humanizePercentage }}",
            ),
            means=Text(
                f"Of 100 contacts of the last hour fewer than {SERVICE_LEVEL_TARGET * 100:.0f} were "
                f"answered within 20 seconds, in a queue with {LEAST_CONTACTS} of them or more.",
                f"За последний час из 100 обращений за 20 секунд ответили меньше чем на "
                f"{SERVICE_LEVEL_TARGET * 100:.0f}, в очереди с {LEAST_CONTACTS} обращениями и "
                "больше.",
            ),
            look=Text(
                "Did more people call than usual, or are fewer agents there than planned?",
                "Звонят больше обычного или сотрудников меньше, чем по плану?",
            ),
            do=Text(
                "Call agents back from other work, offer a callback in the queue, and call back "
                "those who gave up.",
                "Верните сотрудников с другой работы, предложите в очереди обратный звонок и "
                "перезвоните тем, кто не дождался.",
            ),
            commands=(f"otklik query service_level --by queue {_TODAY}",),
        ),
        Alert(
            name="OtklikPromisesOverdue",
            severity=Severity.WARNING,
            when=only(each(SLA_OVERDUE, ANY_COMPANY), ">= 10"),
            lasts="30m",
            summary=Text(
                "{{ $value }} promises of {{ $labels.branch }} are broken and still waited for",
                "{{ $labels.branch }}: просрочено и ещё ждут {{ $value }} обещаний",
            ),
            means=Text(
                "Ten or more customers of a branch have waited longer than its policies promise, for "
                "half an hour now, and wait on.",
                "Десять или больше клиентов филиала уже полчаса ждут дольше, чем обещано правилами, "
                "и всё ещё ждут.",
            ),
            look=Text(
                "`GET /contact-center/v1/clocks?state=breaching` lists them, whatever is due first "
                "before the others, each with the policy and why it holds.",
                "`GET /contact-center/v1/clocks?state=breaching` перечисляет их по сроку, с правилом "
                "и тем, почему оно действует.",
            ),
            do=Text(
                "Answer, call back or close them. Too strict a promise? Try another one on the past: "
                "`POST /contact-center/v1/sla-policies:backtest`.",
                "Ответьте, перезвоните или закройте. Обещание слишком строгое? Проверьте другое на "
                "прошлом: `POST /contact-center/v1/sla-policies:backtest`.",
            ),
            commands=(f"otklik query sla_overdue --by branch {_MONTH}",),
        ),
        Alert(
            name="OtklikPromisesAtRisk",
            severity=Severity.WARNING,
            when=only(each(PROMISES_AT_RISK, ANY_COMPANY), ">= 10"),
            lasts="15m",
            summary=Text(
                "{{ $value }} promises of staff in {{ $labels.branch }} are about to break",
                "{{ $labels.branch }}: на грани срыва {{ $value }} обещаний сотрудников",
            ),
            means=Text(
                "Ten or more things that people of a branch promised to customers are due soon, and "
                "nobody has said that they are done.",
                "Десять или больше обещаний, которые сотрудники филиала дали клиентам, скоро должны "
                "быть выполнены, и никто не отметил, что это сделано.",
            ),
            look=Text(
                "`GET /contact-center/v1/promises?state=at_risk` lists them, whatever is due first "
                "before the others, with who promised what.",
                "`GET /contact-center/v1/promises?state=at_risk` перечисляет их по сроку, с тем, кто "
                "что обещал.",
            ),
            do=Text(
                "Do them, or agree on another time with the customer before they are due; after that "
                "a promise stays broken.",
                "Выполните их или до срока договоритесь с клиентом о другом времени: потом обещание "
                "останется сорванным.",
            ),
            commands=(f"otklik query promises_at_risk --by branch {_AHEAD}",),
        ),
        Alert(
            name="OtklikNotCalledBack",
            severity=Severity.WARNING,
            when=only(each(NOT_CALLED_BACK, ANY_COMPANY), ">= 5"),
            lasts="30m",
            summary=Text(
                "{{ $value }} people wait for a call from {{ $labels.branch }}",
                "{{ $labels.branch }}: не перезвонили {{ $value }} людям",
            ),
            means=Text(
                "Five or more people called a branch today, gave up, and for half an hour nobody "
                "has spoken with them. Most of them will call somebody else.",
                "Пять или больше человек сегодня звонили в филиал, не дождались, и полчаса с ними "
                "никто не говорил. Большинство позвонит другим.",
            ),
            look=Text(
                "The first page lists them with their numbers: “people nobody called back”.",
                "На первой странице есть список с номерами: «никто не перезвонил».",
            ),
            do=Text(
                "Call them. The number falls with the first conversation.",
                "Перезвоните. Число уменьшится с первым разговором.",
            ),
            commands=(f"otklik query not_called_back --by branch {_TODAY}",),
        ),
        Alert(
            name="OtklikSourceSilent",
            severity=Severity.CRITICAL,
            when=only(SILENT_SOURCES, "> 0"),
            lasts="1m",
            summary=Text(
                "{{ $value }} {{ $labels.product }} sources of {{ $labels.company }} are silent",
                "{{ $labels.company }}: молчат источники {{ $labels.product }} – {{ $value }}",
            ),
            means=Text(
                "Nothing new has come from a source for longer than chance explains, by the same "
                "hours of its last eight weeks. What looks like a quiet day is a link that is cut: "
                "calls are answered, or not, and nobody counts them.",
                "От источника так долго нет ничего нового, что случайностью это не объяснить, судя "
                "по тем же часам последних восьми недель. Это не спокойный день, а обрыв связи: "
                "звонки идут, но их никто не считает.",
            ),
            look=Text(
                "`GET /contact-center/v1/sources:health` names the silent ones, and "
                "`…/sources/{id}/health` says what came last, what was refused and what to do.",
                "`GET /contact-center/v1/sources:health` называет замолчавших, а "
                "`…/sources/{id}/health` говорит, что приходило последним, что отклонено и что "
                "делать.",
            ),
            do=Text(
                "See whether the exchange or site runs, reaches us and still has its key or hook. "
                "The alert ends by itself with its next event; what it missed may be pushed late. One that "
                "is gone for good is given up after 14 days. A "
                "holiday looks the same where the company's calendar does not know it: put it there.",
                "Проверьте, работает ли АТС или сайт, доходит ли до нас и действует ли ключ или "
                "веб-хук. Оповещение пройдёт само со следующим событием; пропущенное можно прислать "
                "позже. Кого больше нет, перестанут ждать через 14 дней. Так же выглядит праздник, которого нет в календаре компании: добавьте его туда.",
            ),
            commands=(
                'curl -sS -H "Authorization: Bearer $OTKLIK_KEY" '
                "$OTKLIK_URL/contact-center/v1/sources:health",
            ),
        ),
        Alert(
            name="OtklikEventsRefused",
            severity=Severity.WARNING,
            when=(
                Condition(
                    'sum(rate(otklik_contact_center_events_total{result="refused"}[15m])) '
                    "/ sum(rate(otklik_contact_center_events_total[15m]))",
                    "> 0.05",
                ),
                Condition("sum(increase(otklik_contact_center_events_total[15m]))", "> 20"),
            ),
            lasts="15m",
            summary=Text(
                "{{ $value | humanizePercentage }} of pushed events are refused",
                "отклонено {{ $value | humanizePercentage }} событий",
            ),
            means=Text(
                "A source pushes events that cannot be understood, since it or its mapping changed. "
                "Calls are missing in the numbers.",
                "Источник передаёт события, которых не понять: он сам или его сопоставление "
                "изменились. Звонков не хватает в числах.",
            ),
            look=Text(
                "The refused events of the sources say which field is wrong.",
                "Отклонённые события источников говорят, какое поле неверно.",
            ),
            do=Text(
                "Mend the mapping or the source, then replay what was refused: nothing is lost.",
                "Исправьте сопоставление или источник и повторите отклонённое: ничего не потеряно.",
            ),
            commands=(
                'curl -sS -H "Authorization: Bearer $OTKLIK_KEY" '
                "$OTKLIK_URL/contact-center/v1/sources",
            ),
        ),
        NUMBERS_SHORT,
    ),
)

FEEDBACK: Final = Group(
    "feedback",
    Text("What customers say", "Что говорят клиенты"),
    records=RECORDS,
    alerts=(
        Alert(
            name="OtklikNpsFell",
            severity=Severity.WARNING,
            when=(
                Condition(
                    f"({POINTS} - {POINTS}{_BEFORE}) "
                    f"/ (100 * sqrt({VARIANCE} + {VARIANCE}{_BEFORE}))",
                    f"< -{Z}",
                ),
                Condition(ANSWERS, f">= {LEAST_ANSWERS}"),
                Condition(f"{ANSWERS}{_BEFORE}", f">= {LEAST_ANSWERS}"),
            ),
            lasts="1h",
            summary=Text(
                "NPS of {{ $labels.company }} fell, {{ $value | humanize }} standard errors",
                "NPS компании {{ $labels.company }} упал, {{ $value | humanize }} стандартных ошибок",
            ),
            means=Text(
                f"NPS of the last 28 days is lower than that of the 28 days before, by more than "
                f"chance explains (z under -{Z}, at least {LEAST_ANSWERS} answers in each). "
                "Prometheus has to keep 29 days or more.",
                f"NPS за последние 28 дней ниже, чем за предыдущие 28, и случайностью это не "
                f"объяснить (z меньше -{Z}, в обоих не меньше {LEAST_ANSWERS} ответов). Prometheus "
                "должен хранить 29 дней и больше.",
            ),
            look=Text(
                "Which branches fell: NPS by branch, where the intervals are apart.",
                "Какие филиалы упали: «NPS по филиалам», где интервалы не пересекаются.",
            ),
            do=Text(
                "Read the answers of detractors there and close their cases before anything else.",
                "Прочитайте ответы критиков там и прежде всего закройте их кейсы.",
            ),
            commands=(f"otklik query nps --by branch {_MONTH}",),
        ),
        Alert(
            name="OtklikCasesOverdue",
            severity=Severity.WARNING,
            when=only(each(CASES_OVERDUE, ANY_COMPANY), ">= 10"),
            lasts="1h",
            summary=Text(
                "{{ $labels.branch }}: {{ $value }} cases are past due",
                "{{ $labels.branch }}: просрочено кейсов – {{ $value }}",
            ),
            means=Text(
                "Unhappy customers were promised an answer, and the time is over for ten or more "
                "of them in one branch.",
                "Недовольным клиентам обещали ответ, и в одном филиале для десяти и более срок уже "
                "прошёл.",
            ),
            look=Text(
                "The case inbox of the branch, the oldest first.",
                "Кейсы филиала, начиная с самого старого.",
            ),
            do=Text(
                "Give each case an owner today, or hand them to the head of the branch.",
                "Сегодня же назначьте каждому кейсу ответственного или передайте главе филиала.",
            ),
            commands=(f"otklik query cases_overdue --by branch {_YEAR}",),
        ),
    ),
)
