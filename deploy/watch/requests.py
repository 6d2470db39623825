"""Requests, what staff promised, and the quality of talk."""

from typing import Final

from deploy.watch.business import CHOSEN, about, each, gauge_of, pooled, title_of
from deploy.watch.layout import Panel, Query, Row, good_above
from deploy.watch.panels import by_branch, share_by_branch
from deploy.watch.steps import ANY_IS_BAD, PER_BRANCH, PLAIN
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
        by_branch(QA_EVALUATIONS, PLAIN, title=Text("Evaluations", "Оценок")),
        # Not pooled: checklists are of different lengths, so no mean of these is the company's.
        share_by_branch(SCRIPT_KEPT, good_above(0.7, 0.85)),
        by_branch(SCRIPT_CHECKLISTS, PLAIN, title=Text("Checklists", "Чек-листов")),
    ],
)

REQUESTS: Final = Row(
    Text("Requests", "Заявки"),
    [
        by_branch(LEADS_WAITING, ANY_IS_BAD),
        share_by_branch(SPEED_TO_LEAD),
        share_by_branch(UNSERVED, PLAIN),
    ],
)

PROMISES: Final = Row(
    Text("What staff promised", "Что обещали сотрудники"),
    [
        by_branch(PROMISES_AT_RISK, ANY_IS_BAD),
        share_by_branch(PROMISES_KEPT),
    ],
)
