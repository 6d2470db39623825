"""Signing in leads back to the page that was wanted, and never to another site."""

import pytest

from otklik.pages.way_back import safe


@pytest.mark.parametrize(
    "page", ["/", "/?branch=tyumen&period_name=7d", "/number/waiting?branch=&agent=", "/case/1"]
)
def test_a_page_of_ours_is_gone_back_to(page: str) -> None:
    assert safe(page) == page


@pytest.mark.parametrize(
    "elsewhere",
    [
        None,
        "",
        "https://evil.example/",
        "//evil.example/",
        "///evil.example/",
        "/\\evil.example/",
        "\\\\evil.example/",
        "/\t/evil.example/",
        "/\n/evil.example/",
        "\t//evil.example/",
        " //evil.example/",
        "evil.example",
        "javascript:alert(1)",
        "/a\r\nSet-Cookie: otklik_session=x",
        "/sign-in?next=/sign-in",
        "/sign-out",
        "/" + "a" * 3000,
    ],
)
def test_anything_else_leads_to_the_first_page(elsewhere: str | None) -> None:
    assert safe(elsewhere) == "/"
