"""Requests, what staff promised, and the quality of talk."""

from typing import Final

from deploy.watch.business import CHOSEN, about, each, gauge_of, pooled, title_of
from deploy.watch.layout import Panel, Query, Row, good_above
from deploy.watch.steps import ANY_IS_BAD, LEVEL_STEPS, PER_BRANCH, PLAIN
from otklik_metrics.domain.dimensions import Text

QA_SCORE: Final = gauge_of("qa_score")
QA_EVALUATIONS: Final = gauge_of("qa_score", base=True)
SCRIPT_KEPT: Final = gauge_of("script_kept")
SCRIPT_CHECKLISTS: Final = gauge_of("script_kept", base=True)
PROMISES_KEPT: Final = gauge_of("promises_kept")
PROMISES_AT_RISK: Final = gauge_of("promises_at_risk")
UNSERVED: Final = gauge_of("unserved_rate")
SPEED_TO_LEAD: Final = gauge_of("speed_to_lead")
LEADS_WAITING: Final = gauge_of("leads_waiting")

QUALITY: Final = Row(
    Text("Quality of talk", "Качество разговоров"),
    [
        Panel(
            title_of(QA_SCORE),
            about(QA_SCORE),
            [
                Query(each(QA_SCORE, CHOSEN), PER_BRANCH),
                Query(
                    pooled(QA_SCORE, QA_EVALUATIONS, CHOSEN),
                    Text("the whole company", "вся компания"),
                ),
            ],
            unit="percentunit",
            steps=good_above(0.7, 0.85),
            most=1,
        ),
        Panel(
            Text("Evaluations", "Оценок"),
            about(QA_EVALUATIONS),
            [Query(each(QA_EVALUATIONS, CHOSEN), PER_BRANCH)],
            steps=PLAIN,
        ),
        Panel(
            title_of(SCRIPT_KEPT),
            about(SCRIPT_KEPT),
            # Not pooled: checklists are of different lengths, so no mean of these is the company's.
            [Query(each(SCRIPT_KEPT, CHOSEN), PER_BRANCH)],
            unit="percentunit",
            steps=good_above(0.7, 0.85),
            most=1,
        ),
        Panel(
            Text("Checklists", "Чек-листов"),
            about(SCRIPT_CHECKLISTS),
            [Query(each(SCRIPT_CHECKLISTS, CHOSEN), PER_BRANCH)],
            steps=PLAIN,
        ),
    ],
)

REQUESTS: Final = Row(
    Text("Requests", "Заявки"),
    [
        Panel(
            title_of(LEADS_WAITING),
            about(LEADS_WAITING),
            [Query(each(LEADS_WAITING, CHOSEN), PER_BRANCH)],
            steps=ANY_IS_BAD,
        ),
        Panel(
            title_of(SPEED_TO_LEAD),
            about(SPEED_TO_LEAD),
            [Query(each(SPEED_TO_LEAD, CHOSEN), PER_BRANCH)],
            unit="percentunit",
            steps=LEVEL_STEPS,
            most=1,
        ),
        Panel(
            title_of(UNSERVED),
            about(UNSERVED),
            [Query(each(UNSERVED, CHOSEN), PER_BRANCH)],
            unit="percentunit",
            steps=PLAIN,
            most=1,
        ),
    ],
)

PROMISES: Final = Row(
    Text("What staff promised", "Что обещали сотрудники"),
    [
        Panel(
            title_of(PROMISES_AT_RISK),
            about(PROMISES_AT_RISK),
            [Query(each(PROMISES_AT_RISK, CHOSEN), PER_BRANCH)],
            steps=ANY_IS_BAD,
        ),
        Panel(
            title_of(PROMISES_KEPT),
            about(PROMISES_KEPT),
            [Query(each(PROMISES_KEPT, CHOSEN), PER_BRANCH)],
            unit="percentunit",
            steps=LEVEL_STEPS,
            most=1,
        ),
    ],
)
