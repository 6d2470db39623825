"""
The one table of what the fuzzer is told beyond the OpenAPI document, each line with its reason.

No check is switched off, for no operation. What stands here are statuses that mean a refusal as
well, rules that JSON Schema has no words for, and what only a secret opens.
"""

from collections.abc import Mapping
from typing import Any, Final

CHECKS: Final[Mapping[str, Any]] = {
    "negative_data_rejection": {
        # 413: too many bytes or items; 412: a tag that is none of ours matches nothing.
        "expected-statuses": [400, 401, 403, 404, 405, 406, 409, 412, 413, 415, 422, 428, 429]
    },
    "positive_data_acceptance": {
        # 412: which revision is the present one no schema knows.
        "expected-statuses": ["2xx", "3xx", 401, 403, 404, 409, 412, 429]
    },
    "missing_required_header": {
        # 428 is what RFC 6585 made for an edit without If-Match.
        "expected-statuses": [400, 401, 403, 406, 415, 422, 428]
    },
}

GENERATION: Final[Mapping[str, Any]] = {
    # A JSON string may hold NUL, PostgreSQL's text may not; the list of bad inputs sends it.
    "allow-x00": False,
}

BODY_MAY_BE_LEFT_OUT: Final = frozenset({"/access/v1/sign-out"})
"""Routes that take null for no body; the fuzzer counts both as negative data now and then."""

SECRET_WANTED: Final = frozenset(
    {
        "POST /access/v1/sign-in",
        "POST /access/v1/refresh",
        "POST /access/v1/me/password",
        "POST /contact-center/v1/sources/{source_id}/hook/{rest}",
        "POST /contact-center/v1/contacts/{contact_id}/recording-links",
        "GET /contact-center/v1/recordings/{link}",
        "POST /feedback/v1/reviews/{review}/replies/{number}/publish",
    }
)
"""
Operations that need not succeed here: they want a password, a token or a signature that nobody guesses,
a recording that somebody keeps on a public server, or a draft of a reply that nobody published yet. Who
learns from answers may be told one.
"""

RULES: Final[Mapping[str, str]] = {
    code: reason
    for reason, codes in {
        "the name must be known: of a zone, a country, a currency, a company's own thing": """
            unknown_timezone unknown_zone unknown_region unknown_currency unknown_source
            unknown_survey unknown_branch unknown_branch_group unknown_calendar unknown_policy unknown_scope unknown_question unknown_line
            unknown_survey_version
        """,
        "a cursor is the `next_cursor` of a page before": "bad_cursor",
        "the fuzzer sends an empty If-Match now and then, against its pattern": "bad_if_match",
        "the key stands for the first request that came with it": "idempotency_key_reused",
        "the id in the body is that of the address": "id_differs",
        "one field goes with another, or instead of it": """
            body+missing ids_or_code no_scopes not_write_only admin_has_all end_before_start
            bad_range
        """,
        "the text has a form of its own: a phone, an address, an amount, an origin": """
            bad_phone bad_email bad_amount too_many_decimals bad_ical bad_format origins+malformed blank
        """,
        "hours of a day end after they begin and lie apart": "bad_hours",
        "a calendar opens, and others can be told of it": """
            too_many_days never_opens too_many_rules too_many_exceptions calendar_too_large
        """,
        "a policy promises each thing once, and warns after it begins": """
            target_twice warning_too_early too_many_terms too_many_policies policy_too_large
            never_holds no_such_pause
        """,
        "a programme has steps that can be walked": "bad_programme too_many_programmes",
        "no other policy has the priority": "priority_taken",
        "a source proves itself, is read and read again as its kind is": """
            bad_credentials mapping_not_taken no_bodies
        """,
        "a number is shown to one visitor at a time, by one site": """
            bad_tracker bad_url number_taken unknown_pool
        """,
        "a step says of whom, and only what its kind has to say": "no_subject out_of_place",
        "a form scores something, and answers fit it": """
            bad_form not_ascending always_fails nothing_weighs too_many_questions points+invalid
            good+invalid bad_answers changed_differs unknown_form one_of_two
        """,
        "a script can be ticked in one way only, and answers fit it": """
            bad_script names_itself not_earlier unknown_item nothing_compulsory bad_checklist
            must_apply bad_period
        """,
        "a review says something, a reply too, and none comes before what it answers": """
            empty_review empty_claim reply_before_review draft_with_time bad_file unknown_reply
            amount_and_currency unknown_claim_kind too_many_kinds time_too_old
        """,
        "not every year has 53 weeks": "bad_week",
        "a host is a name or an address, maybe with a port": "bad_host",
        "a line of the head is not blank": "bad_line",
        "a promise is of the company's list, due after it is made and kept after that": """
            unknown_promise_kind bad_due_time kept_before_made
        """,
        "coaching comes from a conversation or a request, and is done after it is given": """
            occasion_missing done_before_created due_before_created
        """,
        "names or ids within the body differ": "repeated line_id_twice row_twice",
        "the order of what happened": "step_before_last returned_before_sold",
        "quantities and amounts agree with what is there": """
            bad_quantity returned_more_than_sold wrong_chunk
        """,
        "topics make a tree, their words are phrases, and corrections say something that is there": """
            bad_topics bad_phrase phrase_not_there unknown_topic nothing_said
        """,
        "a programme of asking makes sense as a whole": "bad_programme too_many_programmes",
        "a link is for anybody with a limit, or for one person": "bad_link answer_id_missing",
        "an invitation goes by the ways that it has": "other_ask_channel",
        "a survey, and the mapping of an import, make sense as a whole": "bad_survey questions_left_out mapping",
        "a value fits the question that it answers": """
            bad_comment bad_date bad_choice score_off_scale unknown_option answer_required
        """,
        "the metric has that parameter and can be cut in that way": """
            bad_parameter impossible_dimension no_past_groups no_past_calendar invalid_query bad_filter no_calendar
            closed_cells_only
        """,
        "the number is one of things that can be listed": "no_records",
        "staffing is worked out from days that are over, and from calls that tell how long they take": """
            range_too_long range_not_over no_handle_time
        """,
        "units can be compared in a share, and in groups if they are branches": """
            not_comparable groups_need_branches unknown_group
        """,
        "a query may cost so much and no more": """
            too_many_buckets too_many_cells too_many_rows too_many_contacts too_many_requests
        """,
    }.items()
    for code in (word.replace("+", " ") for word in codes.split())
}
"""
Code of a refusal, or field and code → the rule that a request well-formed by its schema may break.

Only codes of rules stand here: what a schema can say (types, lengths, bounds, patterns, required
fields) must be said in the OpenAPI document, and a refusal for it is a failure.
"""
