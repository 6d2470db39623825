"""What brought a visitor, and which number that brings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otklik_contact_center.domain.tracking.rules import Rule, choose
from otklik_contact_center.domain.tracking.visit import DIRECT, Touch, touch_of, visit_of

PAGE = "https://www.agency.example/spb/flats/?"


@pytest.mark.parametrize(
    ("query", "referrer", "touch"),
    [
        ("", None, DIRECT),
        ("", "https://agency.example/", DIRECT),
        ("", "https://yandex.ru/search/?text=x", Touch("yandex", "organic")),
        ("", "https://www.google.com/", Touch("google", "organic")),
        ("", "https://news.example/a", Touch("news.example", "referral")),
        ("yclid=77", "https://yandex.ru/", Touch("yandex", "cpc", click_id="77")),
        (
            "utm_source=Yandex&utm_medium=CPC&utm_campaign=Spring&utm_term=flat&yclid=77",
            "https://news.example/",
            Touch("yandex", "cpc", "Spring", "flat", None, "77"),
        ),
        ("UTM_SOURCE=vk", None, Touch("vk", "none")),
        ("utm_source=&gclid=1", None, Touch("google", "cpc", click_id="1")),
        ("", "not an address", DIRECT),
        ("", "http://[broken", DIRECT),
    ],
)
def test_what_brought_a_visitor(query: str, referrer: str | None, touch: Touch) -> None:
    assert touch_of(visit_of(PAGE + query, referrer)) == touch


@pytest.mark.parametrize(
    "url", ["", "agency.example", "javascript:alert(1)", "https://", "ftp://a/"]
)
def test_what_is_no_page_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="no address of a page"):
        visit_of(url, None)


RULES = [
    Rule("spring", parameters={"utm_campaign": ("spring", "spring2")}, number="+74950000001"),
    Rule("ya", referrers=("yandex.ru",), pool="search"),
    Rule("spb", paths=("/spb",), sources=("direct",), number="+78120000002"),
    Rule("paid", mediums=("cpc",), pool="paid"),
    Rule("marked", parameters={"yclid": ("*",)}, pool="paid"),
    Rule("rest"),
]


@pytest.mark.parametrize(
    ("url", "referrer", "rule", "failed"),
    [
        (PAGE + "utm_campaign=SPRING", None, "spring", []),
        (PAGE, "https://m.yandex.ru/", "ya", ["parameters.utm_campaign"]),
        (PAGE, "https://notyandex.ru/", "rest", None),
        (PAGE, None, "spb", ["parameters.utm_campaign", "referrers"]),
        ("https://agency.example/spb", None, "spb", None),
        ("https://agency.example/spbx", None, "rest", None),
        (
            PAGE + "utm_source=x&utm_medium=cpc",
            None,
            "paid",
            ["parameters.utm_campaign", "referrers", "sources"],
        ),
        (PAGE + "utm_source=x&yclid=1", None, "marked", None),
    ],
)
def test_the_first_rule_that_fits_holds_and_says_why(
    url: str, referrer: str | None, rule: str, failed: list[str] | None
) -> None:
    visit = visit_of(url, referrer)
    found = choose(RULES, visit, touch_of(visit))
    assert found.rule is not None
    assert found.rule.code == rule
    assert found.verdicts[-1] == (rule, None)
    if failed is not None:
        assert [one.failed for one in found.verdicts[:-1]] == failed


def test_where_no_rule_fits_none_holds() -> None:
    visit = visit_of(PAGE, None)
    found = choose(RULES[:2], visit, touch_of(visit))
    assert (found.rule, len(found.verdicts)) == (None, 2)


@given(st.text(max_size=50), st.none() | st.text(max_size=50))
def test_any_address_is_read_or_refused(query: str, referrer: str | None) -> None:
    visit = visit_of(PAGE + query, referrer)
    touch = touch_of(visit)
    assert touch.source
    assert choose(RULES, visit, touch).rule is not None
