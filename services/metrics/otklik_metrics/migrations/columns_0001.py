"""Columns of the first revision, written out: what contracts and measures say later changes nothing."""

FIELDS = {
    "contact": """
        source:uuid! channel:text! direction:text! party:text branch:text team:text queue:text
        agent:text campaign:text touchpoint:text stage:text segment:text identifiers:text[]!
        started_at:timestamptz offered_at:timestamptz answered_at:timestamptz
        abandoned_at:timestamptz first_asked_at:timestamptz first_replied_at:timestamptz
        ended_at:timestamptz closed_at:timestamptz due_at:timestamptz outcome:text!
        waited_ms:bigint talked_ms:bigint held_ms:bigint wrapped_ms:bigint handled_ms:bigint
        first_response_ms:bigint resolution_ms:bigint customer_messages:bigint!
        agent_messages:bigint! bot_messages:bigint! transfers:bigint! reopenings:bigint!
        recorded:boolean! contradictions:text[]! attributes:jsonb! truncated:boolean!
    """,
    "reply": """
        contact:uuid! source:uuid! channel:text! party:text branch:text queue:text agent:text
        identifiers:text[]! first:boolean! asked_at:timestamptz! replied_at:timestamptz
        waited_ms:bigint
    """,
    "lead": """
        contact:uuid! source:uuid! channel:text! party:text branch:text queue:text agent:text
        campaign:text identifiers:text[]! known_person:boolean! created_at:timestamptz!
        assigned_at:timestamptz attempted_at:timestamptz contacted_at:timestamptz
        closed_at:timestamptz last_requested_at:timestamptz! attempt_ms:bigint contact_ms:bigint
        requests:bigint!
    """,
    "agent_state": """
        agent:text! state:text! branch:text team:text queue:text from_at:timestamptz!
        to_at:timestamptz lasted_ms:bigint
    """,
    "source": """
        name:text! product:text! created_at:timestamptz! last_event_at:timestamptz
        active:boolean!
    """,
    "survey": """
        template:text! scales:text[]! anonymous:boolean! active:boolean! created_at:timestamptz!
    """,
    "answer": """
        survey:uuid! template:text! answered_at:timestamptz! contact:uuid channel:text
        direction:text branch:text team:text queue:text agent:text party:text source:uuid
        campaign:text touchpoint:text stage:text segment:text identifiers:text[]!
        anonymous:boolean! weight_micro:bigint! nps:bigint nps_1_10:bigint enps:bigint
        csat:bigint ces:bigint csi_score_micro:bigint csi_most_micro:bigint
        csi_least_micro:bigint csi_importance_micro:bigint scores:jsonb! has_text:boolean!
    """,
    "case": """
        answer:uuid contact:uuid reason:text! state:text! level:text! branch:text team:text
        queue:text agent:text party:text touchpoint:text channel:text identifiers:text[]!
        opened_at:timestamptz! due_at:timestamptz! contacted_at:timestamptz
        closed_at:timestamptz resolution:text
    """,
    "customer": """
        identifiers:text[]! created_at:timestamptz! branch:text segment:text
    """,
    "purchase": """
        customer:uuid identifiers:text[]! sold_at:timestamptz! returned_at:timestamptz
        currency:text! amount_minor:bigint! returned_minor:bigint! net_minor:bigint!
        lines:bigint! origin:text! branch:text agent:text party:text campaign:text segment:text
        attributes:jsonb!
    """,
    "points": """
        customer:uuid! identifiers:text[]! moved_at:timestamptz! movement:text! points:bigint!
        reason:text! reverses:uuid purchase:uuid branch:text
    """,
}
"""Fields of each kind of fact: name:type, with ! where there is always a value."""

TIMES = {
    "contact": ("offered_at",),
    "reply": ("asked_at",),
    "lead": ("created_at",),
    "answer": ("answered_at",),
    "case": ("opened_at", "closed_at"),
    "purchase": ("sold_at", "returned_at"),
    "points": ("moved_at",),
}
"""The columns that rollups are counted by."""

COUNTERS = {
    "contact": """
        offered answered abandoned ended closed answered_w5 answered_w10 answered_w15
        answered_w20 answered_w30 answered_w45 answered_w60 answered_w90 answered_w120
        answered_w180 answered_w300 abandoned_w5 abandoned_w10 abandoned_w15 abandoned_w20
        abandoned_w30 abandoned_w45 abandoned_w60 abandoned_w90 abandoned_w120 abandoned_w180
        abandoned_w300 callback_w5 callback_w10 callback_w15 callback_w20 callback_w30
        callback_w45 callback_w60 callback_w90 callback_w120 callback_w180 callback_w300
        answered_own1 answered_own2 answered_own3 answered_own4 answered_own5 answered_own6
        answered_own7 answered_own8 answered_own9 answered_own10 answered_own11 answered_own12
        abandoned_own1 abandoned_own2 abandoned_own3 abandoned_own4 abandoned_own5
        abandoned_own6 abandoned_own7 abandoned_own8 abandoned_own9 abandoned_own10
        abandoned_own11 abandoned_own12 callback_own1 callback_own2 callback_own3 callback_own4
        callback_own5 callback_own6 callback_own7 callback_own8 callback_own9 callback_own10
        callback_own11 callback_own12 outcome_open outcome_answered outcome_abandoned
        outcome_overflowed outcome_callback_requested outcome_transferred outcome_voicemail
        outcome_not_reached outcome_resolved outcome_unknown wait_n wait_ms abandon_wait_n
        abandon_wait_ms talk_ms hold_ms wrap_ms handle_n handle_ms asked first_response_n
        first_response_ms resolution_n resolution_ms due due_met due_missed transfers
        transferred reopened known
    """,
    "reply": """
        asked replied wait_n wait_ms next_asked next_n next_ms
    """,
    "lead": """
        created assigned attempted worked contacted closed known requests attempt_n attempt_ms
        contact_n contact_ms
    """,
    "answer": """
        answers with_text with_contact nps_0 nps_1 nps_2 nps_3 nps_4 nps_5 nps_6 nps_7 nps_8
        nps_9 nps_10 nps_0_extra nps_1_extra nps_2_extra nps_3_extra nps_4_extra nps_5_extra
        nps_6_extra nps_7_extra nps_8_extra nps_9_extra nps_10_extra nps_detractors_extra2+
        nps_passives_extra2+ nps_promoters_extra2+ nps10_1 nps10_2 nps10_3 nps10_4 nps10_5
        nps10_6 nps10_7 nps10_8 nps10_9 nps10_10 enps_0 enps_1 enps_2 enps_3 enps_4 enps_5
        enps_6 enps_7 enps_8 enps_9 enps_10 csat_1 csat_2 csat_3 csat_4 csat_5 ces_1 ces_2 ces_3
        ces_4 ces_5 ces_6 ces_7 csi_n csi_score csi_most csi_least csi_importance
    """,
    "case": """
        opened contacted finished finished_in_time contact_n contact_ms closed closed_in_time
        resolution_n resolution_ms
    """,
    "purchase": """
        purchases amount_minor returned_minor net_minor lines returns given_back_minor
    """,
    "points": """
        movements issued spent issue_reversed spend_reversed
    """,
}
"""Counters of each kind that has rollups; + where they may outgrow 64 bits."""

HISTOGRAMS = (
    ("case", "day"),
    ("contact", "15m"),
    ("contact", "day"),
    ("lead", "day"),
    ("reply", "15m"),
    ("reply", "day"),
)
