"""Every word of the pages, in Russian and English."""

from decimal import Decimal
from typing import Any, Final

from babel import Locale
from babel.dates import format_datetime, format_timedelta
from babel.numbers import format_currency, format_decimal
from babel.plural import PluralRule
from babel.units import format_unit

from otklik.pages.codes import CODES, NOUNS

LANGUAGES = ("ru", "en")

_UNITS: Final = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
MINUS = "\N{MINUS SIGN}"

TEXTS: dict[str, tuple[str, str]] = {
    "product": ("Отклик", "Otklik"),
    "demo": ("демо: придуманная компания", "demo: an invented company"),
    "demo_about": (
        "Это демонстрация: люди, звонки и числа придуманы. Она замолкнет при первом вашем событии.",
        "This is a demo: people, calls and numbers are invented. It stops at your first event.",
    ),
    "sign_in": ("Войти", "Sign in"),
    "sign_out": ("Выйти", "Sign out"),
    "login": ("Логин", "Login"),
    "password": ("Пароль", "Password"),
    "branch": ("Филиал", "Branch"),
    "all_branches": ("Все филиалы", "All branches"),
    "no_branch": ("без филиала", "no branch"),
    "period": ("Период", "Period"),
    "today": ("сегодня", "today"),
    "7d": ("7 дней", "7 days"),
    "28d": ("28 дней", "28 days"),
    "90d": ("90 дней", "90 days"),
    "show": ("Показать", "Show"),
    "agent": ("Сотрудник", "Employee"),
    "no_agent": ("не назначен", "nobody assigned"),
    "not_called_back_title": ("Никто не перезвонил", "Nobody called back"),
    "nobody_waits": ("всем перезвонили", "everybody was called back"),
    "service_title": ("Как быстро отвечаем на звонки", "How fast calls are answered"),
    "service_words": (
        "из 100 позвонивших ответ за {2} {1} {0}",
        "of 100 who called, {0} {1} answered within {2}",
    ),
    "response_title": (
        "Первый ответ в рабочее время, в среднем",
        "First response in business time, on average",
    ),
    "span": ("{} ч {} мин {} с", "{} h {} min {} s"),
    "note": ("Примечание", "Note"),
    "pace_title": ("Темп: от заявки до сделки", "Pace: from the request to the deal"),
    "pace_none": (
        "Программ темпа нет. Программа – это шаги заявки и срок каждого; завести её может тот, кто "
        "настраивает Отклик.",
        "There are no pace programmes. A programme is the steps of a request with a time for each; "
        "whoever sets Otklik up can make one.",
    ),
    "pace_no_requests": (
        "За это время не было заявок, для которых эта программа.",
        "No request of this time is one that the programme is for.",
    ),
    "programme": ("Программа", "Programme"),
    "pace_steps": ("Шаги", "Steps"),
    "pace_step": ("Шаг", "Step"),
    "pace_norm": ("Срок", "Time"),
    "pace_kept": ("В срок", "In time"),
    "pace_late": ("С опозданием", "Late"),
    "pace_behind": ("из них ещё ждут", "of them still waiting"),
    "pace_running": ("Срок идёт", "Still in time"),
    "pace_about": (
        "В срок – доля сделавших шаг в срок среди тех, кто его сделал или у кого срок прошёл. У кого "
        "срок идёт или заявка закрыта до срока, не в счёт.",
        "In time is the share that made the step in time, of those that made it or ran out of time. "
        "Who still has time, and requests closed before it was over, do not count.",
    ),
    "pace_since": (
        "Программа менялась: здесь заявки, начавшиеся с {}.",
        "The programme was changed: these are requests that began from {} on.",
    ),
    "pace_who": ("Кто отстаёт", "Who is behind"),
    "pace_nobody": (
        "Из заявок за это время никто не отстаёт; старые видны за больший срок.",
        "Of the requests of this period nobody is behind; older ones show in a longer one.",
    ),
    "of_many": ("из {}", "of {}"),
    "business_time": ("рабочего времени", "of business time"),
    "elapsed_time": ("по часам", "by the clock"),
    "nobody_called": ("за это время никто не звонил", "nobody called in this time"),
    "nobody_yet": ("пока никто не звонил", "nobody has called yet"),
    "loading_title": ("История демо-компании загружается", "The demo company's history is loading"),
    "loading": (
        "Это займёт несколько минут; пока в числах не все звонки и ответы. Страница обновляется сама.",
        "It takes some minutes; until then not all calls and answers are in the numbers. The page"
        " renews itself.",
    ),
    "instead_of": (
        "Филиала «{}» нет: показана вся компания.",
        "There is no branch “{}”: this is the whole company.",
    ),
    "nobody_yet_title": ("Пока никто не звонил", "Nobody has called yet"),
    "connect": (
        "Звонки появятся здесь, когда телефония начнёт сообщать о них Отклику или когда вы "
        "загрузите файл со звонками. Попросите об этом того, кто ставил Отклик: ключ и строки "
        "для вставки показал первый запуск.",
        "Calls appear here once your telephony tells Otklik about them, or once you import a "
        "file of calls. Ask whoever installed Otklik: its first start showed the key and the "
        "lines to paste.",
    ),
    "silent_title": (
        "Это не спокойный день: данные не приходят",
        "Not a quiet day: data is missing",
    ),
    "silent_since": ("«{}» молчит с {}", "“{}” has been silent since {}"),
    "silent_about": (
        "Обычно в это время оттуда что-то приходит, поэтому цифры ниже неполны. Попросите того, кто "
        "ставил Отклик, проверить связь.",
        "Something usually comes from there at this time, so the numbers below are incomplete. Ask "
        "whoever installed Otklik to check the link.",
    ),
    "all_hung_up": (
        "все, кто звонил, положили трубку в первые {} секунд",
        "all who called hung up within {} seconds",
    ),
    "none_counts": ("ни один звонок пока не в счёт", "no call counts yet"),
    "nps_title": ("Готовы рекомендовать (NPS)", "Would recommend us (NPS)"),
    "too_few": ("мало ответов", "too few answers"),
    "cases_title": ("Недовольные, с кем надо связаться", "Unhappy customers to call"),
    "sla_title": ("Сроки ответа на грани нарушения", "Answers about to be late"),
    "at_risk_about": ("скоро будут нарушены", "will be late soon"),
    "none_at_risk": ("на грани нарушения – ни одного", "none is about to be"),
    "promises_none_at_risk": ("на грани срыва – ни одного", "none is about to be"),
    "words_late": ("Отзывы и претензии без ответа в срок", "Reviews and claims answered too late"),
    "promises_title": ("Обещания на грани срыва", "Promises about to break"),
    "promises_about": ("обещано сотрудниками, срок вот-вот", "promised by staff, due any moment"),
    "promises_broken": ("Сорвано обещаний", "Promises broken"),
    "unworked": ("Заявки без работы", "Requests nobody works on"),
    "promised": ("Сроки по правилам", "Times by policy"),
    "script": ("Скрипт разговора", "Script of the conversation"),
    "script_done": ("выполнено {} из {} обязательных пунктов", "{} of {} compulsory steps done"),
    "staff_promised": ("Что обещали", "What was promised"),
    "used": ("ушло {} из {}", "took {} of {}"),
    "broken": ("Просрочено, ещё ждут", "Late, still waiting"),
    "overdue_one": ("просрочен", "overdue"),
    "all": ("все {}", "all {}"),
    "the_others": ("и ещё {}", "and {} more"),
    "by_branch": ("По филиалам", "By branch"),
    "alike_title": ("Одинаково ли обслуживают филиалы", "Do branches serve alike"),
    "alike_more": ("Какие и как это посчитано", "Which ones, and how it is worked out"),
    "alike_who": ("Дальше всех от среднего", "Furthest from the mean"),
    "alike_out": ("Выделяются", "Standing out"),
    "alike_how": ("Как это посчитано", "How it is worked out"),
    "alike_limits": ("Если как все", "If like the others"),
    "alike_likely": ("Вероятнее всего", "Most likely"),
    "alike_about": (
        "«Если как все» – где была бы доля филиала с таким числом звонков, не отличайся он от других: "
        "внутри – это может быть случай. Вероятная доля тем ближе к средней, чем меньше звонков.",
        "“If like the others” is where the share of a branch with so many calls would be if it were "
        "no different: inside may be chance. The likely share is the nearer to the mean the fewer "
        "the calls.",
    ),
    "above": ("выше других", "above the others"),
    "below": ("ниже других", "below the others"),
    "groups_differ": (
        "«{}» – {}, «{}» – {}: разница {} п. п. (от {} до {}). {}",
        "“{}” {}, “{}” {}: a difference of {} points ({} to {}). {}",
    ),
    "more_than_chance": (
        "Это больше, чем объясняет случай.",
        "That is more than chance explains.",
    ),
    "maybe_chance": ("Это может быть случайностью.", "That may be chance."),
    "when_title": ("Когда звонят", "When people call"),
    "when_about": (
        "Сверху – сколько позвонили, под ним – какая их часть получила ответ за {}. Чем гуще "
        "цвет, тем больше звонков. Время компании: {}.",
        "Above, how many called; below, what share of them was answered within {}. The stronger "
        "the colour, the more calls. The company's time: {}.",
    ),
    "by_weekday": ("по дням недели", "by weekday"),
    "by_day_of_month": ("по числам месяца", "by day of the month"),
    "skip_map": ("За карту звонков", "Skip the map of calls"),
    "hours": ("Часы", "Hours"),
    "day": ("Число", "Day"),
    "day_of_month": ("{}-е число", "day {} of the month"),
    "whole_day": ("За день", "All day"),
    "by_agent": ("Кому не перезвонили, по сотрудникам", "Not called back, by employee"),
    "calls": ("Звонков", "Calls"),
    "in_20": ("За 20 с", "In 20 s"),
    "not_called_back": ("Не перезвонили", "Not called back"),
    "nps": ("NPS", "NPS"),
    "cases": ("Случаи", "Cases"),
    "overdue": ("Просрочено", "Overdue"),
    "receipt": ("Чек этого числа", "The receipt of this number"),
    "formula": ("Формула", "Formula"),
    "parameters": ("Что подставлено", "With these values"),
    "version": ("Редакция формулы", "Formula version"),
    "source": ("Источник", "Source"),
    "numerator": ("Числитель", "Numerator"),
    "denominator": ("Знаменатель", "Denominator"),
    "base": ("Наблюдений (n)", "Observations (n)"),
    "interval": ("95 % интервал", "95% interval"),
    "from_to": ("от {} до {}", "from {} to {}"),
    "excluded": ("Не вошло", "Left out"),
    "fresh": ("Свежесть", "Freshness"),
    "seconds_behind": ("отставание {} с", "{} s behind"),
    "records": ("Записи, из которых оно сложено", "The records it is made of"),
    "more": ("Дальше", "More"),
    "none": ("Здесь ничего нет", "There is nothing here"),
    "not_yours": (
        "Вашей роли этот список не показывается",
        "Your role may not see this list",
    ),
    "back": ("← Назад", "← Back"),
    "to_first": ("← На первую страницу", "← To the first page"),
    "customer": ("Клиент", "Customer"),
    "out_of": ("{} из {}", "{} of {}"),
    "contact": ("Обращение", "Contact"),
    "phone": ("Телефон", "Phone"),
    "called": ("Куда обратились", "Called or written to"),
    "brought_by": ("Что привело", "What brought them"),
    "waited": ("Ждал", "Waited"),
    "outcome": ("Исход", "Outcome"),
    "events": ("Что происходило", "What happened"),
    "score": ("Оценка", "Score"),
    "case": ("Случай", "Case"),
    "due": ("Срок", "Due"),
    "state": ("Состояние", "State"),
    "reason": ("Причина", "Reason"),
    "stars": ("Звёзды", "Stars"),
    "review_words": ("Слова отзыва", "Words of the review"),
    "review_source": ("Площадка", "Site"),
    "review_link": ("Открыть отзыв на площадке", "Open the review on its site"),
    "claim_words": ("Слова претензии", "Words of the claim"),
    "severity": ("Серьёзность", "Severity"),
    "wish": ("Чего хочет клиент", "What the customer wants"),
    "amount": ("Сумма", "Amount"),
    "times": ("Сроки", "Times"),
    "comment": ("Слова клиента", "The customer's words"),
    "skip": ("К содержанию", "Skip to content"),
    "error": ("Не получилось", "That did not work"),
    "not_found": ("Такой страницы нет", "There is no such page"),
    "not_found_about": (
        "Проверьте адрес или начните с первой страницы.",
        "Check the address, or begin with the first page.",
    ),
    "no_such_branch": ("такого филиала нет", "there is no such branch"),
}


class Words:
    """Texts and formats of one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._index = LANGUAGES.index(language)
        self._locale = Locale(language)
        self._percent_sign = "\N{NO-BREAK SPACE}%" if language == "ru" else "%"

    def __call__(self, name: str, *values: Any) -> str:
        """The text of that name."""
        return TEXTS[name][self._index].format(*values)

    @staticmethod
    def sentence(text: str) -> str:
        """What an API says of itself, begun as people begin a sentence."""
        return text[:1].upper() + text[1:]

    def code(self, kind: str, code: str | None) -> str:
        """The text of a code; one that is newer than this page stands for itself."""
        if code is None:
            return ""
        known = CODES[kind].get(code)
        return code if known is None else known[self._index]

    def noun(self, kind: str, count: float) -> str:
        """The word that follows a number of something."""
        rule: PluralRule = self._locale.plural_form
        forms = NOUNS[kind][self.language]
        return forms.get(rule(count)) or forms.get("many") or forms["other"]

    def counted(self, kind: str, count: float) -> str:
        """A number of something, with its word."""
        return f"{self.number(count)} {self.noun(kind, count)}"

    def served(self, share: float, seconds: int) -> str:
        """How many of 100 callers were answered within so many seconds."""
        of_100 = round(share * 100)
        # Of 21 or 91 people the plural is said as well: one alone is singular.
        got = self.noun("got", 1 if of_100 == 1 else 2)
        return self("service_words", self.number(of_100), got, self.counted("seconds", seconds))

    def number(self, value: float, digits: int = 0) -> str:
        """A number with the language's separators and a true minus; minus zero is zero."""
        rounded = round(value, digits) + 0.0
        pattern = "#,##0" if digits == 0 else "#,##0." + "0" * digits
        return format_decimal(rounded, format=pattern, locale=self._locale).replace("-", MINUS)

    def money(self, amount: str, currency: str) -> str:
        """An amount, a plain decimal number, with its currency as people write it."""
        return format_currency(Decimal(amount), currency, locale=self._locale)

    def percent(self, share: float, digits: int = 0) -> str:
        """A share of one as percent; the sign stands apart where the language wants it so."""
        return self.number(share * 100, digits) + self._percent_sign

    def interval(self, least: float, most: float, *, share: bool) -> str:
        """A range with one decimal; in words where a minus would run into the dash."""
        scale, sign = (100, self._percent_sign) if share else (1, "")
        ends = [self.number(scale * value, 1) for value in (least, most)]
        if any(end.startswith(MINUS) for end in ends):
            return self("from_to", *ends) + sign
        return "–".join(ends) + sign

    def clock(self, dimension: str, value: int) -> str:
        """What a number is limited to: a weekday, a day of the month, or two hours."""
        match dimension:
            case "weekday":
                return str(self._locale.days["stand-alone"]["wide"][(value - 1) % 7])
            case "two_hour_slot":
                return f"{value:02}:00–{value + 2:02}:00"
            case _:
                return self(dimension, value)

    def weekday(self, day: int) -> str:
        """A weekday as short as it can be read, 1 for Monday."""
        return str(self._locale.days["format"]["abbreviated"][day - 1])

    @staticmethod
    def hours(slot: int) -> str:
        """The two hours that begin with this one."""
        return f"{slot:02}–{slot + 2:02}"

    def moment(self, value: Any) -> str:
        """Date and time of day, as people write them."""
        return format_datetime(value, "d MMM y, HH:mm", locale=self._locale)

    def span(self, seconds: float) -> str:
        """A span to the second, whatever its length."""
        minutes, rest = divmod(round(seconds), 60)
        hours, minutes = divmod(minutes, 60)
        return self("span", self.number(hours), minutes, rest)

    def duration(self, milliseconds: int) -> str:
        """A span in its largest unit; under a minute in seconds."""
        if milliseconds < 60_000:
            return f"{milliseconds // 1000} {'с' if self.language == 'ru' else 's'}"
        return format_timedelta(milliseconds // 1000, threshold=1.2, locale=self._locale)

    def term(self, seconds: int, *, business: bool) -> str:
        """What was promised, to the second; a day of office hours has no length, so it is hours then."""
        told, rest = [], seconds
        for unit, size in _UNITS[1:] if business else _UNITS:
            count, rest = divmod(rest, size)
            if count:
                told.append(format_unit(count, f"duration-{unit}", "long", locale=self._locale))
        return " ".join(told)
