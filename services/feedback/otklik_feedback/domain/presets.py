"""Lines that are the same in every survey: the six forces, and what attaches people."""

from typing import Final

from otklik_feedback.domain.question import Axis, Kind, Option, Row, Words
from otklik_feedback.domain.scale import Scale

AGREEMENT: Final = Scale("agreement", 1, 7)
DISAGREE: Final = Words("Совсем не согласны", "Strongly disagree")
AGREE: Final = Words("Полностью согласны", "Strongly agree")

# The six forces of Ipsos; its "certainty" is our clarity.
FORCES: Final = (
    Row("clarity", Words("Мне было понятно, что происходит", "I knew what was going on")),
    Row("enjoyment", Words("С вами было приятно", "Dealing with you was a pleasure")),
    Row("control", Words("Решения оставались за мной", "I felt in control")),
    Row("belonging", Words("Вы на моей стороне", "You were on my side")),
    Row("fairness", Words("Со мной поступили честно", "I was treated fairly")),
    Row("status", Words("Ко мне отнеслись с уважением", "I felt valued and respected")),
)

ATTACHMENT: Final = (
    Row("solved", Words("Вы решили мой вопрос", "You solved my problem"), axis=Axis.FUNCTION),
    Row("easy", Words("С вами легко иметь дело", "You are easy to deal with"), axis=Axis.FUNCTION),
    Row("worth", Words("Ваши услуги стоят своих денег", "You are worth it"), axis=Axis.FUNCTION),
    Row("trust", Words("Я доверяю этой компании", "I trust this company"), axis=Axis.EMOTION),
    Row("closeness", Words("Эта компания мне близка", "I feel close to it"), axis=Axis.EMOTION),
    Row(
        "pride",
        Words("Мне приятно быть её клиентом", "I am proud to be its customer"),
        axis=Axis.EMOTION,
    ),
    Row("loss", Words("Мне бы её не хватало", "I would miss it"), axis=Axis.EMOTION),
)

LINES: Final = {Kind.FORCES: FORCES, Kind.ATTACHMENT: ATTACHMENT}


def _options(**texts: tuple[str, str]) -> tuple[Option, ...]:
    return tuple(Option(name, Words(*text)) for name, text in texts.items())


WHY_WORSE: Final = _options(
    rudeness=("Мне нагрубили", "They were rude"),
    insult=("Меня оскорбили", "They insulted me"),
    ignored=("На меня не обращали внимания", "They ignored me"),
    personal=("Перешли на личности", "They got personal"),
    broken_promise=("Не сдержали обещание", "They broke a promise"),
    indifference=("Отнеслись равнодушно", "They did not care"),
    incompetence=("Не знали своего дела", "They did not know their job"),
    prejudice=("Отнеслись предвзято", "They were prejudiced"),
    passed_around=("Отправляли от одного к другому", "They passed me around"),
    deceit=("Обманули или что-то скрыли", "They deceived me or hid something"),
    lateness=("Опаздывали, переносили сроки", "They were late or moved deadlines"),
    work_pushed=("Переложили на меня свою работу", "They left their work to me"),
    no_feedback=("Не отвечали и не перезванивали", "They did not get back to me"),
    not_my_job=("Говорили «это не ко мне»", "They said it was not their job"),
)
WHY_SAME: Final = _options(
    minimum_standard=("Сделали необходимый минимум", "They did the minimum"),
    formal=("Всё было формально", "It was all formal"),
    no_initiative=("Сами ничего не предлагали", "They offered nothing themselves"),
    by_template=("Действовали по шаблону", "They went by the script"),
    just_enough=("Просто выполнили работу", "They just did the work"),
)
WHY_BETTER: Final = _options(
    did_more=("Сделали больше, чем обещали", "They did more than agreed"),
    studied_needs=("Разобрались, что мне нужно", "They found out what I need"),
    informal_professional=("Общались просто и со знанием дела", "Easy-going and professional"),
    asked_opinion=("Спрашивали моё мнение", "They asked for my opinion"),
    available_informative=("Всегда на связи, всё объясняли", "They were there and explained"),
    one_door=("Всё решили в одном месте", "Everything in one place"),
    related_services=("Помогли и с другими вопросами", "They helped with other matters too"),
    kept_word=("Были честны и держали слово", "They were honest and kept their word"),
    polite=("Были вежливы", "They were polite"),
    care_for_name=("Дорожат своим именем", "They care for their name"),
    freedom_of_choice=("Оставили мне выбор", "They left me free to choose"),
    emotional=("Было по-настоящему приятно", "It felt good"),
    thanked_me=("Поблагодарили меня", "They thanked me"),
)
