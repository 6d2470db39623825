"""Alerts of the way that leads from a pushed event to a number."""

from typing import Final

from deploy.watch.alerts import Alert, Severity, only
from otklik_metrics.domain.dimensions import Text

_DOCTOR: Final = "otklik doctor"

WAY_OF_A_FACT: Final = (
    Alert(
        name="OtklikFoldBehind",
        severity=Severity.CRITICAL,
        when=only('max by (lane) (otklik_contact_center_unfolded_seconds{lane="live"})', "> 30"),
        lasts="2m",
        summary=Text(
            "events wait to be folded for {{ $value | humanizeDuration }}",
            "события ждут разбора {{ $value | humanizeDuration }}",
        ),
        means=Text(
            "Calls and messages are taken in, but do not become contacts: walls, numbers and cases "
            "are behind. Nothing is lost.",
            "Звонки и сообщения приняты, но не становятся обращениями: экраны, числа и кейсы "
            "отстают. Ничего не потеряно.",
        ),
        look=Text(
            "Does the contact-center worker run, and does its number of marks fall?",
            "Работает ли worker contact-center и убывает ли число отметок?",
        ),
        do=Text(
            "If it falls, wait. If it does not, see what the worker logs (`folding waits`), and the "
            "database; a second worker shares the work.",
            "Убывает – подождите. Нет – смотрите журнал worker (`folding waits`) и базу; второй "
            "worker разделит работу.",
        ),
        commands=(_DOCTOR,),
    ),
    Alert(
        name="OtklikContactsParked",
        severity=Severity.WARNING,
        when=only("max(otklik_contact_center_parked_contacts)", "> 0"),
        lasts="5m",
        summary=Text(
            "{{ $value }} contacts could not be folded",
            "{{ $value }} обращений не удалось разобрать",
        ),
        means=Text(
            "Some contacts ran into a fault and were put aside, so that the others go on. They are "
            "missing in all numbers.",
            "Некоторые обращения вызвали ошибку и отложены, чтобы остальные шли дальше. Их нет ни в "
            "одном числе.",
        ),
        look=Text(
            "The worker's line `contact parked`: the source and the kind of error.",
            "Строку worker `contact parked`: источник и вид ошибки.",
        ),
        do=Text(
            "Upgrade if a release mends it. The next event of such a contact lets it be tried again.",
            "Обновитесь, если выпуск это чинит. Следующее событие такого обращения запустит разбор "
            "снова.",
        ),
        commands=("grep 'contact parked' worker.log | tail -n 5",),
    ),
    Alert(
        name="OtklikOutboxOld",
        severity=Severity.CRITICAL,
        when=only("max by (topic) (otklik_relay_oldest_seconds)", "> 10"),
        lasts="2m",
        summary=Text(
            "facts of {{ $labels.topic }} wait for {{ $value | humanizeDuration }}",
            "факты {{ $labels.topic }} ждут {{ $value | humanizeDuration }}",
        ),
        means=Text(
            "What a service has stored does not reach the log, so numbers, points and cases do not "
            "hear of it. Nothing is lost: it waits in the database.",
            "То, что сервис сохранил, не доходит до журнала, и числа, баллы и кейсы об этом не "
            "знают. Ничего не потеряно: факты ждут в базе.",
        ),
        look=Text(
            "Is the log (Kafka) there? The relay says why it waits: `relay waits`.",
            "Доступен ли журнал (Kafka)? Отправитель говорит, чего ждёт: `relay waits`.",
        ),
        do=Text(
            "Bring the log back. Do not delete rows of the outbox.",
            "Верните журнал. Не удаляйте строки outbox.",
        ),
        commands=(_DOCTOR, "grep 'relay waits' worker.log | tail -n 3"),
    ),
    Alert(
        name="OtklikRelayMissing",
        severity=Severity.CRITICAL,
        when=only("max by (topic) (otklik_relay_active)", "< 1"),
        lasts="1m",
        summary=Text(
            "nobody moves facts of {{ $labels.topic }}",
            "факты {{ $labels.topic }} никто не отправляет",
        ),
        means=Text(
            "Workers run, but none of them is the active relay of this service. How old its facts "
            "grow is not known meanwhile.",
            "Процессы работают, но ни один не стал активным отправителем этого сервиса. Насколько "
            "старыми становятся факты, пока неизвестно.",
        ),
        look=Text(
            "Who holds the advisory lock: a worker that hangs, or a session that its machine left "
            "behind?",
            "Кто держит advisory lock: зависший worker или сессия, оставшаяся от его машины?",
        ),
        do=Text(
            "The server ends such a session within 20 s. If it does not, end it by its pid.",
            "Сервер завершает такую сессию за 20 с. Если нет – завершите её по pid.",
        ),
        commands=(
            'psql -c "SELECT pid, application_name, state, backend_start FROM pg_stat_activity '
            "WHERE pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')\"",
        ),
    ),
    Alert(
        name="OtklikConsumerBehind",
        severity=Severity.CRITICAL,
        when=only("max by (consumer) (otklik_consumer_lag_seconds)", "> 60"),
        lasts="2m",
        summary=Text(
            "{{ $labels.consumer }} is {{ $value | humanizeDuration }} behind",
            "{{ $labels.consumer }} отстаёт на {{ $value | humanizeDuration }}",
        ),
        means=Text(
            "A consumer takes records in more slowly than they come, or not at all. "
            "`metrics.facts` behind: numbers are old. `feedback.contacts`: answers do not know "
            "their contact yet. `feedback.asking`: nobody is asked after what has just happened. "
            "A directory: new staff and keys are not known.",
            "Читатель берёт записи медленнее, чем они приходят, или не берёт. Отстаёт "
            "`metrics.facts` – числа старые; `feedback.contacts` – ответы ещё не знают своего "
            "обращения; `feedback.asking` – после того, что случилось, никого не спрашивают; "
            "directory – новые сотрудники и ключи не известны.",
        ),
        look=Text(
            "Consumers behind, in records: does the line fall? Is it in trouble?",
            "«Отставание читателей, записи»: линия падает? Не мешает ли ему что-то?",
        ),
        do=Text(
            "If it falls, wait: after an import that is normal. Otherwise see its log and the "
            "database.",
            "Падает – подождите: после импорта это обычно. Иначе смотрите журнал процесса и базу.",
        ),
        commands=(_DOCTOR, "grep 'consumer waits' worker.log | tail -n 3"),
    ),
    Alert(
        name="OtklikRelayTroubled",
        severity=Severity.WARNING,
        when=only("max by (topic) (otklik_relay_troubled)", "> 0"),
        lasts="1m",
        summary=Text(
            "the relay of {{ $labels.topic }} cannot work",
            "отправитель {{ $labels.topic }} не может работать",
        ),
        means=Text(
            "The log or the database keeps a relay from its work. Facts wait in the database.",
            "Журнал или база не дают отправителю работать. Факты ждут в базе.",
        ),
        look=Text("Its line `relay waits` says why.", "Причина – в его строке `relay waits`."),
        do=Text("Bring back what it names.", "Верните то, что в ней названо."),
        commands=("grep 'relay waits' worker.log | tail -n 3",),
    ),
    Alert(
        name="OtklikConsumerTroubled",
        severity=Severity.WARNING,
        when=only("max by (consumer) (otklik_consumer_troubled)", "> 0"),
        lasts="1m",
        summary=Text(
            "{{ $labels.consumer }} cannot work", "{{ $labels.consumer }} не может работать"
        ),
        means=Text(
            "The log or the database keeps a consumer from its work, or too many records in a row "
            "could not be taken in and it stopped.",
            "Журнал или база не дают читателю работать, или слишком много записей подряд не удалось "
            "взять и он остановился.",
        ),
        look=Text("Its line `consumer waits` says why.", "Причина – в строке `consumer waits`."),
        do=Text(
            "Bring back what it names. After too many dead letters: upgrade, then start the worker "
            "again.",
            "Верните то, что названо. После слишком многих dead letters: обновитесь и запустите "
            "worker снова.",
        ),
        commands=("grep 'consumer waits' worker.log | tail -n 3", "otklik dead-letters"),
    ),
    Alert(
        name="OtklikDeadLettersNew",
        severity=Severity.WARNING,
        when=only("sum by (consumer) (increase(otklik_consumer_dead_letters_total[15m]))", "> 0"),
        lasts="0m",
        summary=Text(
            "{{ $labels.consumer }} put records aside",
            "{{ $labels.consumer }} отложил записи",
        ),
        means=Text(
            "Some facts could not be read or applied. They are kept as dead letters and counted "
            "nowhere until they are taken up again.",
            "Некоторые факты не удалось прочитать или применить. Они сохранены как dead letters и "
            "нигде не учтены, пока их не возьмут снова.",
        ),
        look=Text(
            "What they have in common: one kind of fact, one moment, one release?",
            "Что у них общего: один вид фактов, один момент, один выпуск?",
        ),
        do=Text(
            "Remove the cause, by an upgrade mostly, then redrive them. Give up only what nothing "
            "will mend.",
            "Устраните причину, чаще обновлением, затем возьмите их снова. Сдавайтесь только там, "
            "где уже ничто не поможет.",
        ),
        commands=("otklik dead-letters", "otklik dead-letters redrive"),
    ),
    Alert(
        name="OtklikDeadLettersOpen",
        severity=Severity.WARNING,
        when=only("max by (schema) (otklik_dead_letters_open)", "> 0"),
        lasts="1d",
        summary=Text(
            "{{ $value }} dead letters of {{ $labels.schema }} are open for a day",
            "{{ $value }} dead letters сервиса {{ $labels.schema }} открыты уже сутки",
        ),
        means=Text(
            "Records were put aside, and for a day nobody has dealt with them. Numbers lack them, "
            "and for those of metrics.history `as_of` is refused.",
            "Записи отложены, и сутки ими никто не занимался. Их нет в числах, а из-за записей "
            "metrics.history отклоняется `as_of`.",
        ),
        look=Text(
            "The list says since when and why.", "Список говорит, с какого времени и почему."
        ),
        do=Text("Redrive them, or give them up.", "Возьмите их снова или откажитесь от них."),
        commands=("otklik dead-letters", "otklik dead-letters redrive"),
    ),
)
