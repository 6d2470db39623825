"""Branches, members of staff, and who may give what to whom."""

from datetime import UTC, date, datetime, timedelta

import pytest

from otklik_access.domain.places import (
    Branch,
    BranchGroup,
    Company,
    beginning,
    check_known,
    end,
)
from otklik_access.domain.staff import Member, by_group, check_gift, check_member, reach_of
from otklik_common.errors import Forbidden, Unprocessable
from otklik_common.events.access import Role

AT = datetime(2026, 1, 1, tzinfo=UTC)
COMPANY = Company(tenant="demo2abc", timezone="Europe/Moscow", created_at=AT)


def test_a_day_begins_at_midnight_of_its_own_zone() -> None:
    branch = Branch(code="tyumen", timezone="Asia/Yekaterinburg", opened_on=date(2026, 3, 2))
    assert branch.fact(COMPANY).opened_on == datetime(2026, 3, 1, 19, 0, tzinfo=UTC)


def test_a_branch_without_a_zone_has_the_company_s() -> None:
    branch = Branch(code="tyumen", opened_on=date(2026, 3, 2))
    assert branch.fact(COMPANY).opened_on == datetime(2026, 3, 1, 21, 0, tzinfo=UTC)


def test_the_last_day_of_work_counts_to_its_end_also_when_it_has_25_hours() -> None:
    day = date(2026, 10, 25)
    ends, begins = end(day, "Europe/Berlin"), beginning(day, "Europe/Berlin")
    assert ends is not None
    assert begins is not None
    assert (ends - begins).total_seconds() == 25 * 3600


def test_a_member_works_from_the_first_day_to_the_last() -> None:
    member = Member(
        code="petrova", role=Role.AGENT, starts_on=date(2026, 3, 2), ends_on=date(2026, 3, 3)
    )
    moscow = "Europe/Moscow"
    assert not member.works_at(datetime(2026, 3, 1, 20, 59, tzinfo=UTC), moscow)
    assert member.works_at(datetime(2026, 3, 1, 21, 0, tzinfo=UTC), moscow)
    assert member.works_at(datetime(2026, 3, 3, 20, 59, tzinfo=UTC), moscow)
    assert not member.works_at(datetime(2026, 3, 3, 21, 0, tzinfo=UTC), moscow)


def test_a_fact_of_a_member_holds_neither_name_nor_address() -> None:
    member = Member(code="p", role=Role.AGENT, name="Зоя Канарейкина", email="zoya@invalid.test")
    text = member.fact("UTC").model_dump_json() + repr(member)
    assert "Канарейкина" not in text
    assert "zoya@" not in text


def test_signing_out_never_moves_back() -> None:
    later, earlier = datetime(2026, 2, 2, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    member = Member(code="p", role=Role.AGENT).signed_out(later).signed_out(earlier)
    assert member.signed_out_before == later + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("member", "code"),
    [
        (
            Member(code="p", role=Role.AGENT, starts_on=date(2026, 3, 2), ends_on=date(2026, 3, 1)),
            "end_before_start",
        ),
        (Member(code="p", role=Role.ADMIN, branches=("tyumen",)), "admin_has_all"),
        (Member(code="p", role=Role.ADMIN, groups=("own",)), "admin_has_all"),
    ],
)
def test_contradictions_are_refused(member: Member, code: str) -> None:
    with pytest.raises(Unprocessable) as refused:
        check_member(member)
    assert refused.value.code == code


def test_a_typo_in_a_code_is_refused_with_the_code() -> None:
    with pytest.raises(Unprocessable, match="tyumenn") as refused:
        check_known("branch", ["tyumen", "tyumenn"], ["tyumen"])
    assert refused.value.code == "unknown_branch"


def test_an_origin_outside_the_company_s_is_refused() -> None:
    company = Company(tenant="demo2abc", timezone="UTC", created_at=AT, origins=("https://a.ru",))
    company.check_origins(["https://a.ru"])
    COMPANY.check_origins(["https://anything.example"])
    with pytest.raises(Unprocessable, match=r"b\.ru"):
        company.check_origins(["https://b.ru"])


def test_reach_is_every_branch_only_when_nothing_limits_it() -> None:
    members = {"own": frozenset({"a", "b"}), "empty": frozenset[str]()}
    assert reach_of(set(), set(), members) is None
    assert reach_of({"c"}, {"own"}, members) == frozenset("abc")
    assert reach_of(set(), {"empty"}, members) == frozenset()
    assert reach_of(set(), {"unknown"}, members) == frozenset()


@pytest.mark.parametrize(
    ("scopes", "reach", "fine"),
    [
        ({"cases:read"}, {"a"}, True),
        ({"cases:read"}, set(), True),
        ({"cases:read", "keys:write"}, {"a"}, False),
        ({"cases:read"}, {"a", "c"}, False),
        ({"cases:read"}, None, False),
    ],
)
def test_nobody_gives_what_they_do_not_have(
    scopes: set[str], reach: set[str] | None, fine: bool
) -> None:
    def give() -> None:
        check_gift(scopes=scopes, own_scopes={"cases:read", "x"}, reach=reach, own_reach={"a", "b"})

    if fine:
        give()
    else:
        with pytest.raises(Forbidden):
            give()


def test_who_has_the_whole_company_may_give_it() -> None:
    check_gift(scopes={"a"}, own_scopes={"a"}, reach=None, own_reach=None)


def test_groups_are_read_from_the_branches_that_belong_to_them() -> None:
    branches = {"a": {"own", "ural"}, "b": {"ural"}, "c": set[str]()}
    assert by_group(branches) == {"own": frozenset("a"), "ural": frozenset("ab")}


def test_facts_of_places_hold_what_others_need() -> None:
    company = Company(
        tenant="demo2abc", timezone="UTC", created_at=AT, names={"ru": "Дом"}, demo=True
    )
    assert company.fact().demo
    assert "Дом" not in company.fact().model_dump_json()
    group = BranchGroup(code="ural", grouping="region", names={"ru": "Урал"}, active=False)
    assert (group.fact().code, group.fact().names, group.fact().active) == (
        "ural",
        {"ru": "Урал"},
        False,
    )


def test_a_member_without_days_works_while_active() -> None:
    assert Member(code="p", role=Role.AGENT).works_at(AT, "UTC")
    assert not Member(code="p", role=Role.AGENT, active=False).works_at(AT, "UTC")


def test_a_member_s_days_without_contradiction_are_fine() -> None:
    day = date(2026, 3, 2)
    check_member(Member(code="p", role=Role.AGENT, starts_on=day, ends_on=day))
    check_member(Member(code="p", role=Role.ADMIN))
