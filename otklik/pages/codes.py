"""What codes and counted things are called on pages, in Russian and English."""

CODES: dict[str, dict[str, tuple[str, str]]] = {
    "channel": {
        "call": ("Звонок", "Call"),
        "chat": ("Чат", "Chat"),
        "email": ("Письмо", "E-mail"),
        "form": ("Заявка с сайта", "Site form"),
        "visit": ("Визит", "Visit"),
        "messenger": ("Мессенджер", "Messenger"),
        "social": ("Соцсеть", "Social network"),
        "head_line": ("Линия руководителя", "The head's line"),
        "other": ("Другое", "Other"),
    },
    "pace": {
        "created": ("заявка", "request"),
        "assigned": ("назначена", "assigned"),
        "attempted": ("первый ответ", "first answer"),
        "contacted": ("разговор", "conversation"),
        "qualified": ("потребность", "needs known"),
        "showing": ("показ", "showing"),
        "deal": ("сделка", "deal"),
    },
    "outcome": {
        "open": ("открыто", "open"),
        "answered": ("ответили", "answered"),
        "abandoned": ("не дождался", "gave up waiting"),
        "resolved": ("решено", "resolved"),
        "overflowed": ("ушло в другую очередь", "overflowed"),
        "callback_requested": ("просил перезвонить", "asked to be called"),
        "transferred": ("передано", "transferred"),
        "voicemail": ("автоответчик", "voicemail"),
        "not_reached": ("не дозвонились", "not reached"),
        "unknown": ("неизвестно", "unknown"),
    },
    "event": {
        "started": ("началось", "began"),
        "queued": ("в очереди", "in the queue"),
        "assigned": ("назначен сотрудник", "somebody assigned"),
        "ringing": ("звонит у сотрудника", "ringing"),
        "answered": ("сотрудник ответил", "answered"),
        "message": ("сообщение", "message"),
        "held": ("на удержании", "on hold"),
        "resumed": ("снято с удержания", "off hold"),
        "transferred": ("передано", "transferred"),
        "paused": ("приостановлено", "paused"),
        "unpaused": ("возобновлено", "went on"),
        "ended": ("завершено", "ended"),
        "wrapped": ("обработка после разговора закончена", "work after the call done"),
        "reopened": ("открыто снова", "opened again"),
        "recording": ("есть запись", "recording kept"),
        "amended": ("данные исправлены", "details amended"),
    },
    "target": {
        "first_response": ("первый ответ", "first response"),
        "next_response": ("следующий ответ", "next response"),
        "first_resolution": ("первое решение", "first resolution"),
        "resolution": ("решение", "resolution"),
        "callback": ("перезвонить", "callback"),
    },
    "feedback_target": {
        "review_reply": ("ответ на отзыв", "reply to the review"),
        "claim_reaction": ("первая реакция на претензию", "first reaction to the claim"),
        "claim_answer": ("ответ на претензию", "answer to the claim"),
        "claim_term": ("срок по закону", "legal term"),
    },
    "clock": {
        "pending": ("время ещё есть", "there is time yet"),
        "imminent": ("вот-вот сорвётся", "about to break"),
        "breaching": ("сорвано, клиент ждёт", "broken, the customer waits"),
        "achieved": ("выполнено", "kept"),
        "breached": ("сорвано", "broken"),
        "cancelled": ("отпало", "came to nothing"),
    },
    "state": {
        "open": ("открыт", "open"),
        "contacted": ("связались", "contacted"),
        "closed": ("закрыт", "closed"),
    },
    "step": {
        "done": ("сделано", "done"),
        "missed": ("пропущено", "missed"),
        "not_applicable": ("не требовалось", "did not apply"),
    },
    "promise_state": {
        "open": ("ещё не срок", "not due yet"),
        "at_risk": ("на грани срыва", "about to break"),
        "broken": ("сорвано", "broken"),
        "kept": ("выполнено", "kept"),
        "kept_late": ("выполнено с опозданием", "kept late"),
        "cancelled": ("отменено", "cancelled"),
    },
    "reason": {
        "nps": ("вряд ли порекомендует (NPS)", "unlikely to recommend us (NPS)"),
        "csat": ("остался недоволен (CSAT)", "was not satisfied (CSAT)"),
        "ces": ("было трудно решить вопрос (CES)", "found it hard (CES)"),
        "review": ("плохой отзыв", "a bad review"),
        "claim": ("претензия", "a claim"),
    },
    "why": {
        "nps": ("низкая оценка (NPS)", "a low score (NPS)"),
        "csat": ("низкая оценка (CSAT)", "a low score (CSAT)"),
        "ces": ("низкая оценка (CES)", "a low score (CES)"),
        "review": ("плохой отзыв", "a bad review"),
        "claim": ("претензия", "a claim"),
    },
    "severity": {
        "low": ("низкая", "low"),
        "medium": ("средняя", "medium"),
        "high": ("высокая", "high"),
        "critical": ("критическая", "critical"),
    },
    "wish": {
        "refund": ("вернуть деньги", "a refund"),
        "compensation": ("возместить ущерб", "compensation"),
        "apology": ("извиниться", "an apology"),
        "other": ("другое", "something else"),
    },
    "choice": {
        "any": ("все нормы обращений", "every target of contacts"),
        "any_of_feedback": ("все нормы претензий и отзывов", "every target of claims and reviews"),
        "all": ("считаются все ответы", "all answers count"),
        "mean": ("среднее", "the mean"),
        "business": ("рабочее время", "business time"),
        "0-10": ("шкала от 0 до 10", "a scale of 0 to 10"),
    },
    "excluded": {
        "short_abandon": ("бросили почти сразу", "hung up almost at once"),
        "abandoned_in_time": ("бросили раньше порога", "gave up within the threshold"),
        "not_answered": ("остались без ответа", "not answered"),
        "still_open": ("ещё открыты", "still open"),
        "callback_requested": ("просили перезвонить", "asked to be called"),
        "other_outcome": ("закончились иначе", "ended in another way"),
        "unknown_person": ("неизвестно, кто звонил", "nobody knows who called"),
    },
}
"""What APIs say in codes: by kind of code, then code."""

NOUNS: dict[str, dict[str, dict[str, str]]] = {
    "people": {
        "ru": {"one": "человек", "few": "человека", "many": "человек"},
        "en": {"one": "person", "other": "people"},
    },
    "answers": {
        "ru": {"one": "ответ", "few": "ответа", "many": "ответов"},
        "en": {"one": "answer", "other": "answers"},
    },
    "seconds": {
        "ru": {"one": "секунда", "few": "секунды", "many": "секунд", "other": "секунды"},
        "en": {"one": "second", "other": "seconds"},
    },
    "open": {
        "ru": {"one": "открыт", "many": "открыто"},
        "en": {"other": "open"},
    },
    "overdue": {
        "ru": {"one": "просрочен", "many": "просрочено"},
        "en": {"other": "overdue"},
    },
    "broken": {
        "ru": {
            "one": "срок нарушен, клиент ещё ждёт",
            "few": "срока нарушено, клиенты ещё ждут",
            "many": "сроков нарушено, клиенты ещё ждут",
            "other": "срока нарушено, клиенты ещё ждут",
        },
        "en": {
            "one": "is late and the customer still waits",
            "other": "are late and customers still wait",
        },
    },
    "words_late": {
        "ru": {
            "one": "срок ответа на отзыв или претензию нарушен",
            "few": "срока ответа на отзывы и претензии нарушено",
            "many": "сроков ответа на отзывы и претензии нарушено",
            "other": "срока ответа на отзывы и претензии нарушено",
        },
        "en": {
            "one": "answer to a review or a claim is late",
            "other": "answers to reviews and claims are late",
        },
    },
    "promises_broken": {
        "ru": {
            "one": "обещание сорвано",
            "few": "обещания сорвано",
            "many": "обещаний сорвано",
            "other": "обещания сорвано",
        },
        "en": {"one": "promise broken", "other": "promises broken"},
    },
    "unworked": {
        "ru": {
            "one": "заявка, над которой никто не работал",
            "few": "заявки, над которыми никто не работал",
            "many": "заявок, над которыми никто не работал",
            "other": "заявки, над которыми никто не работал",
        },
        "en": {
            "one": "request nobody has worked on",
            "other": "requests nobody has worked on",
        },
    },
    "got": {
        "ru": {"one": "получил", "many": "получили"},
        "en": {"one": "was", "other": "were"},
    },
}
"""What follows a number of something, by what it counts, language and plural."""
