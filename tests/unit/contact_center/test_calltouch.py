"""Webhooks of Calltouch, as what is public of them describes them, come to exact contacts."""

import contextlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_contact_center.domain.contact import Contact
from otklik_contact_center.domain.providers import calltouch
from otklik_contact_center.domain.providers.pushed import (
    Directions,
    Lines,
    Request,
    UnreadableError,
)
from tests.support import providers
from tests.support.providers import NOW, as_json

CREDENTIALS = {"token": "t0ken-of-ours"}
BEGAN = datetime(2026, 3, 2, 9, tzinfo=UTC)
CUSTOMER = "79161230002"
CALLS = ["answered", "lost", "callback"]
NAMES = [*CALLS, "request"]
UNTOLD = ("sendingTimestamp", "changedFields")


def payloads(name: str) -> list[Any]:
    return providers.payloads(calltouch, name)


def forms(said: Sequence[Any]) -> list[bytes]:
    """Bodies as Calltouch writes them."""
    return [urlencode(one).encode() for one in said]


def contact(said: Sequence[Any], directions: Directions | None = None) -> Contact:
    return providers.contact_of(calltouch.PROVIDER, forms(said), directions)


def without(said: Sequence[Any], *names: str) -> list[Any]:
    """The same pushes of an owner who did not choose some fields."""
    return [{name: value for name, value in one.items() if name not in names} for one in said]


def at(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def test_an_answered_call_is_one_contact_of_all_its_phases() -> None:
    found = contact(payloads("answered"))
    about, course = found.about, found.course
    assert (about.channel, about.direction, about.phone) == ("call", "in", CUSTOMER)
    assert (about.line, about.campaign, about.agent) == ("74951230001", "spring", "Петрова Анна")
    assert (course.offered_at, course.answered_at, course.ended_at) == (at(0), at(25), at(205))
    assert (found.waited_ms, found.handled_ms) == (25_000, 180_000)
    assert (found.outcome, found.recorded, found.contradictions) == ("answered", True, ())


def test_its_advertising_and_marks_are_attributes_and_nothing_of_the_person_is() -> None:
    attributes = contact(payloads("answered")).about.attributes
    assert attributes == {
        "source": "yandex",
        "medium": "cpc",
        "utm_source": "yandex",
        "utm_medium": "cpc",
        "utm_campaign": "spring",
        "attribution": "1",
        "sessionId": "512345678",
        "ctCallerId": "9001",
        "yaClientId": "1677000000123456789",
        "unique": "true",
        "targetcall": "target",
        "uniqtargetcall": "uniqtarget",
        "callback": "non-callback",
        "worktime": "worktime",
        "pool": "dynamic",
        "subPoolName": "Москва",
        "tags_manual": "запись на сервис",
        "hostname": "example.invalid",
        "city": "Москва",
        "device": "mobile",
        "recording_url": "https://example.invalid/records/812345.mp3",
    }


def test_a_call_that_goes_on_has_no_end() -> None:
    found = contact(payloads("answered")[:1])
    assert (found.outcome, found.at, found.course.answered_at) == ("open", at(0), None)
    # Whatever a push at the beginning says of the course is no course yet.
    early = [payloads("answered")[0] | {"status": "unsuccessful", "duration": "0"}]
    assert contact(early).outcome == "open"


def test_a_lost_call_is_abandoned() -> None:
    found = contact(payloads("lost"))
    assert (found.outcome, found.abandoned_at, found.waited_ms) == ("abandoned", at(40), 40_000)
    assert (found.course.answered_at, found.recorded, found.contradictions) == (None, False, ())
    for contradicted in ({"status": "successful"}, {"status": "null", "duration": "3"}):
        assert contact([payloads("lost")[1] | contradicted]).outcome == "abandoned"
    bare = without(payloads("lost"), "status", "duration", "waiting_time")
    assert (contact(bare).outcome, contact(bare).abandoned_at) == ("abandoned", at(0))


def test_a_call_that_was_hung_up_unsuccessfully_is_abandoned_whatever_its_length() -> None:
    end = payloads("answered")[1] | {"status": "unsuccessful", "duration": "7"}
    found = contact([end])
    assert (found.outcome, found.course.answered_at) == ("abandoned", None)


def test_a_call_back_is_ours() -> None:
    found = contact(payloads("callback"))
    about = found.about
    assert (about.direction, about.phone, about.line) == ("out", CUSTOMER, None)
    assert (found.attempted_at, found.connected_at, found.course.ended_at) == (
        at(0),
        at(12),
        at(72),
    )
    assert (found.outcome, found.waited_ms) == ("answered", None)
    failed = [one | {"status": "unsuccessful"} for one in payloads("callback")[1:]]
    assert contact(failed).outcome == "not_reached"


def test_a_request_is_a_form_that_waits() -> None:
    found = contact(payloads("request"))
    about = found.about
    assert (about.channel, about.direction, about.phone) == ("form", "in", CUSTOMER)
    assert (found.at, found.outcome, about.agent) == (at(0), "open", "Петрова Анна")
    assert (about.campaign, about.attributes["tags_request"]) == ("spring", "срочно")
    assert (about.attributes["subject"], about.attributes["requestNumber"]) == (
        "Обратная связь",
        "site-15",
    )
    assert not any("Иванов" in value for value in about.attributes.values())


def test_a_call_and_a_request_of_one_number_are_two_contacts() -> None:
    said = [payloads("answered")[1], payloads("request")[0] | {"requestId": "812345"}]
    found = providers.contacts_of(calltouch.PROVIDER, forms(said))
    assert set(found) == {"812345", "request:812345"}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("left_out", [(), UNTOLD, UNTOLD[:1], ("leadtype",)])
def test_what_comes_in_any_order_and_again_is_the_same_contact(
    name: str, left_out: tuple[str, ...]
) -> None:
    bodies = forms(without(payloads(name), *left_out))
    once = providers.contact_of(calltouch.PROVIDER, bodies)
    assert once.contradictions == ()
    for shuffled in providers.in_any_order(bodies):
        assert providers.contact_of(calltouch.PROVIDER, shuffled) == once


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_whatever_fields_were_chosen_for_each_push_their_order_is_of_no_matter(
    name: str, data: st.DataObject
) -> None:
    needed = {"leadtype", "id", "requestId", "timestamp"}
    chosen = [
        {
            field: value
            for field, value in one.items()
            if field in needed or data.draw(st.booleans(), label=field)
        }
        for one in payloads(name)
    ]
    shuffled = data.draw(st.permutations([*chosen, *chosen[:1]]))
    assert contact(shuffled) == contact(chosen)


@pytest.mark.parametrize("name", CALLS)
def test_the_last_push_alone_tells_the_whole_call(name: str) -> None:
    assert contact(payloads(name)[-1:]) == contact(payloads(name))


@pytest.mark.parametrize("name", NAMES)
def test_what_is_sent_again_later_is_the_same_contact(name: str) -> None:
    said = payloads(name)
    late = [one | {"sendingTimestamp": str(1_772_442_000 + 86_400)} for one in said[-1:]]
    for pushes in ([*said, *late], [*late, *said]):
        assert contact(pushes) == contact(said)


def test_a_push_that_tells_both_ends_is_told_by_both_phases_as_one() -> None:
    end = payloads("answered")[1]
    both = [end, end | {"callphase": "callcompleted", "sendingTimestamp": "1772442208"}]
    assert contact(both) == contact([end])


def test_what_was_sent_later_stands_above_what_is_fuller() -> None:
    end = payloads("answered")[1]
    fuller = end | {"tags_manual": "a long name of a tag"}
    later = end | {"tags_manual": "new", "sendingTimestamp": "1772449999"}
    in_ms = later | {"sendingTimestamp": "1772449999000"}
    on_a_clock = later | {"sendingTimestamp": "2026-03-02 14:13:19"}
    for last in (later, in_ms, on_a_clock):
        for said in ([fuller, last], [last, fuller]):
            assert contact(said).about.attributes["tags_manual"] == "new"


def test_without_a_time_of_sending_what_was_changed_stands_above_and_else_the_fuller() -> None:
    (end,) = without(payloads("answered")[1:2], "sendingTimestamp")
    fuller = end | {"tags_manual": "a long name of a tag"}
    changed = end | {"tags_manual": "new", "changedFields": "tags_manual"}
    assert contact([fuller, changed]).about.attributes["tags_manual"] == "new"
    assert contact([fuller, end | {"tags_manual": "x"}]).about.attributes["tags_manual"] == (
        "a long name of a tag"
    )


def test_the_zone_of_the_account_is_that_of_times_on_a_clock() -> None:
    said = without(payloads("answered")[1:2], "timestamp")
    assert contact(said).at == at(0)
    assert contact(said, Directions(zone="Asia/Yekaterinburg")).at == at(-2 * 3600)
    assert contact(said, Directions(zone="No/Where")).at == at(0)
    asked = without(payloads("request"), "timestamp")
    assert contact(asked, Directions(zone="Asia/Vladivostok")).at == at(-7 * 3600)
    # Seconds since 1970 need no zone, and are right where both are told.
    both = payloads("answered")[1:2]
    assert contact(both, Directions(zone="Asia/Vladivostok")).at == at(0)


def test_where_the_wait_was_not_chosen_it_is_said_to_be_unknown() -> None:
    found = contact(without(payloads("answered"), "waiting_time"))
    assert (found.course.answered_at, found.course.ended_at) == (at(0), at(180))
    assert found.about.attributes["answer_time"] == "unknown"
    assert found.handled_ms == 180_000


def test_without_a_status_whoever_talked_was_answered() -> None:
    assert contact(without(payloads("answered"), "status")) == contact(payloads("answered"))
    silent = without([payloads("answered")[1] | {"duration": "0"}], "status")
    assert contact(silent).outcome == "abandoned"


def test_without_a_phase_a_push_is_taken_for_one_after_the_call() -> None:
    said = without(payloads("answered"), "callphase")
    assert contact(said) == contact(payloads("answered"))


def test_a_push_that_does_not_say_how_a_call_went_leaves_it_open() -> None:
    said = without(payloads("answered")[1:2], "status", "duration")
    assert contact(said).outcome == "open"


@pytest.mark.parametrize("number", ["anonymous", "Anonymous", "null", "", "<не указано>"])
def test_a_hidden_number_is_nobody(number: str) -> None:
    said = [one | {"callerphone": number} for one in payloads("answered")]
    found = contact(said)
    assert (found.about.phone, found.outcome) == (None, "answered")
    told = providers.events_of(calltouch.PROVIDER, forms(said))
    assert {one.from_ for one in told if one.type == "started"} == {None}


def test_the_company_s_words_stand_for_calltouch_s() -> None:
    directions = Directions(
        {"74951230001": Lines("moscow", "sales")},
        {"+7 495 123-99-99": "orlov", "Петрова Анна": "petrova"},
    )
    about = contact(payloads("answered"), directions).about
    assert (about.branch, about.queue, about.agent) == ("moscow", "sales", "petrova")
    # Before somebody is named the number that was called says whose call it is.
    assert contact(payloads("answered")[:2], directions).about.agent == "orlov"


@pytest.mark.parametrize("name", NAMES)
def test_json_and_unknown_fields_change_nothing(name: str) -> None:
    said = [{**one, "new_in_2030": "a&b=c;d"} for one in payloads(name)]
    assert contact(said) == contact(payloads(name))
    as_numbers = [
        {**one, "timestamp": int(one["timestamp"]), "new": {"a": [1]}} for one in payloads(name)
    ]
    found = providers.contact_of(calltouch.PROVIDER, as_json(as_numbers))
    assert found == contact(payloads(name))


def test_changes_may_be_a_list_where_a_push_is_json() -> None:
    (end,) = without(payloads("answered")[1:2], "sendingTimestamp")
    changed = end | {"tags_manual": "new", "changedFields": ["tags_manual"]}
    fuller = end | {"tags_manual": "a long name of a tag", "changedFields": []}
    found = providers.contact_of(calltouch.PROVIDER, as_json([changed, fuller]))
    assert found.about.attributes["tags_manual"] == "new"


def test_chats_and_deals_make_no_contacts() -> None:
    assert providers.events_of(calltouch.PROVIDER, forms(payloads("other"))) == []


def test_a_link_to_a_recording_is_whole_or_not_there() -> None:
    for length, there in ((900, True), (1_100, False)):
        link = "https://example.invalid/" + "x" * length
        found = contact([payloads("answered")[1] | {"reclink": link}])
        assert found.about.attributes.get("recording_url") == (link if there else None)


@pytest.mark.parametrize(
    ("came", "why"),
    [
        (b"", "neither JSON nor a form"),
        (b"[]", "no object"),
        (b"\xff\xfe", "neither JSON nor a form"),
        (b'{"a":' * 50_000, "no JSON"),
        (b"a=1", "leadtype is missing"),
        (b"id=1&timestamp=1772442000", "leadtype is missing"),
        (b"requestId=1&timestamp=1772442000", "leadtype is missing"),
        (b"callphase=callconnected", "id is missing"),
        (b"leadtype=call&timestamp=1772442000", "id is missing"),
        (b"id=null&leadtype=call", "id is missing"),
        (b"id=1&leadtype=call", "timestamp is missing"),
        (b"id=1&leadtype=call&timestamp=0", "timestamp is missing"),
        (b"id=1&timestamp=yesterday&calltime=2026-02-30+10:00:00", "timestamp is missing"),
        (b"leadtype=request&id=1", "requestId is missing"),
        (b"requestId=1&requestDate=yesterday", "timestamp is missing"),
    ],
)
def test_what_is_missing_is_said(came: bytes, why: str) -> None:
    with pytest.raises(UnreadableError, match=why) as refused:
        calltouch.read(came, Directions())
    assert refused.value.ru


def test_whoever_knows_the_token_is_calltouch_and_nobody_else() -> None:
    (body, *_) = forms(payloads("lost"))
    assert calltouch.fault(Request({}, body, "t0ken-of-ours"), CREDENTIALS, NOW) is None
    aged = NOW + timedelta(days=9)
    assert calltouch.fault(Request({}, body, "t0ken-of-ours"), CREDENTIALS, aged) is None
    in_body = body + b"&token=t0ken-of-ours"
    for rest in ("", "other", "t0ken-of-ours/", "t0ken-of-our", "T0ken-of-ours", "токен"):
        assert calltouch.fault(Request({}, in_body, rest), CREDENTIALS, NOW) is not None
    header = {"authorization": "Bearer t0ken-of-ours", "token": "t0ken-of-ours"}
    assert calltouch.fault(Request(header, body), CREDENTIALS, NOW) is not None


@given(st.integers(0, 12), st.integers(0, 7))
def test_a_bit_of_the_token_that_is_changed_is_seen(place: int, bit: int) -> None:
    changed = providers.bit_changed(b"t0ken-of-ours", place, bit).decode("latin-1")
    assert calltouch.fault(Request({}, b"", changed), CREDENTIALS, NOW) is not None


VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=9)
    | st.sampled_from(["--5", "²", "9" * 400, "-1", "0001-01-01 00:00:00", "1e999", "\x00", "null"])
    | st.lists(st.integers(), max_size=3)
)


@pytest.mark.parametrize("name", [*NAMES, "other"])
@given(data=st.data())
def test_any_value_in_the_place_of_any_other_is_read_or_unreadable(
    name: str, data: st.DataObject
) -> None:
    said = dict(data.draw(st.sampled_from(payloads(name))))
    for field in data.draw(st.lists(st.sampled_from(sorted(said)), min_size=1, max_size=3)):
        said[field] = data.draw(VALUES)
    for body in (json.dumps(said).encode(), urlencode(said).encode()):
        with contextlib.suppress(UnreadableError):
            calltouch.read(body, Directions())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [None, "", "--5", "²", -1, 10**30, [[]], "0001-01-01", "\ud800"])
def test_no_value_in_the_place_of_a_field_breaks_reading(name: str, value: Any) -> None:
    for said in payloads(name):
        for field in said:
            with contextlib.suppress(UnreadableError):
                calltouch.read(json.dumps({**said, field: value}).encode(), Directions())


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_unreadable(came: bytes) -> None:
    with contextlib.suppress(UnreadableError):
        calltouch.read(came, Directions())
