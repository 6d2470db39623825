"""The agency's hours, what it promises, and its pace: realtors write on working days only."""

from typing import Any, Final

from otklik.demo.agency import CLOSES, OPENS, ZONE

OFFICE: Final = "office"

_DAY: Final = [f"{OPENS:%H:%M}-{CLOSES:%H:%M}"]

HOURS: Final[dict[str, Any]] = {
    "names": {"ru": "Рабочие дни", "en": "Working days"},
    "timezone": str(ZONE),
    "week": dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), _DAY),
    "holidays": "RU",
}

MINUTE, HOUR, DAY = 60, 3_600, 86_400

PACE: Final = "demo-buyer"
"""The agency's programme for buyers: the one that anybody may start from."""

PACE_PRESET: Final = "buyer"

POLICIES: Final[dict[str, dict[str, Any]]] = {
    "calls": {
        "names": {"ru": "Звонки", "en": "Calls"},
        "priority": 10,
        "channels": ["call"],
        "targets": [
            {"target": "first_response", "seconds": 20, "business": False},
            {"target": "callback", "seconds": 15 * MINUTE, "warning_seconds": 5 * MINUTE},
        ],
    },
    "letters": {
        "names": {"ru": "Чаты, формы и письма", "en": "Chats, forms and mail"},
        "priority": 20,
        "channels": ["chat", "form", "email"],
        "targets": [
            {"target": "first_response", "seconds": HOUR, "warning_seconds": 15 * MINUTE},
            {"target": "next_response", "seconds": HOUR, "warning_seconds": 15 * MINUTE},
            {
                "target": "resolution",
                "seconds": DAY,
                "warning_seconds": 2 * HOUR,
                "business": False,
                "pauses": ["customer"],
            },
        ],
    },
}
