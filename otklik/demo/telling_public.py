"""Reviews, claims and what is done about them, told to a running Otklik."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from otklik.client import Client

if TYPE_CHECKING:
    from otklik.demo.simulation import Sort

_SERVICE = "/feedback/v1"

_KNOWN = frozenset({409})
"""What was said before a start that was broken off."""


class Public:
    """
    Tells them, each as often as a start is broken off: what is known changes nothing.

    Attributes:
        sorts: How each sort of pushes is told, in the order in which they follow each other.
    """

    def __init__(self, client: Client, source: str) -> None:
        self._client = client
        self._source = source
        self.sorts: Mapping[Sort, Callable[[Any], None]] = {
            "review": self._review,
            "review_reply": self._reply,
            "claim": self._claim,
            "claim_step": self._step,
        }

    def _review(self, body: Any) -> Any:
        return self._client.post(f"{_SERVICE}/reviews", body)

    def _reply(self, body: Any) -> None:
        """A reply that stands at the site; who was unhappy is called, too."""
        review = self._review(body["review"])
        said = {"text": body["text"], "at": body["at"], "elsewhere": True}
        self._client.call(
            "POST",
            f"{_SERVICE}/reviews/{review['id']}/replies",
            json=said,
            headers={"Idempotency-Key": body["id"]},
        )
        # Cases of reviews begin when they are heard of, which may be long after all of this.
        self._close("review", review["id"], {"reason": "apologised"})

    def _claim(self, body: Any) -> Any:
        return self._client.post(f"{_SERVICE}/claims", body | {"source": self._source})

    def _step(self, body: Any) -> None:
        claim = self._claim(body["claim"])
        said = {name: body[name] for name in ("reason", "note", "at")}
        path = f"{_SERVICE}/claims/{claim['id']}/{body['step']}"
        self._client.call("POST", path, json=said, also=_KNOWN)
        if body["step"] == "work-off":
            self._close("claim", claim["id"], {"reason": body["reason"], "at": body["at"]})

    def _close(self, opener: str, id_: str, how: Mapping[str, str]) -> None:
        """Close the case that a review or a claim has opened, if it is open."""
        found = self._client.get(f"{_SERVICE}/cases", **{opener: id_})["items"]
        said = {**how, "note": "Связались с клиентом"}
        for case in found:
            path = f"{_SERVICE}/cases/{case['id']}/close"
            self._client.call("POST", path, json=said, also=_KNOWN)
