"""When people turn to a company: by weekday and two hours, and by day of the month."""

from typing import Final

from deploy.watch.business import CHOSEN, about, each
from deploy.watch.layout import Look, Panel, Query, Row
from otklik_metrics.domain.dimensions import Text
from otklik_metrics.domain.gauges import WHEN as GAUGES

BY_HOUR, BY_DAY = GAUGES

WHEN: Final = Row(
    Text("When people turn to us", "Когда к нам обращаются"),
    [
        Panel(
            Text("By weekday and two hours", "По дням недели и двухчасовым интервалам"),
            about(BY_HOUR),
            [Query(each(BY_HOUR, CHOSEN))],
            look=Look.MAP,
            rows="weekday",
            columns="two_hour_slot",
            order=tuple(str(hour) for hour in range(0, 24, 2)),
            width=16,
            height=10,
        ),
        Panel(
            Text("By day of the month", "По числам месяца"),
            about(BY_DAY),
            [
                Query(
                    f"max by (day_of_month) ({each(BY_DAY, CHOSEN)})",
                    Text("Contacts", "Обращения"),
                )
            ],
            look=Look.TABLE,
            width=8,
            height=10,
        ),
    ],
)
