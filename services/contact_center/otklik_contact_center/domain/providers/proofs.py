"""How a product that is read by a mapping proves its pushes: a token, or a signature of the body."""

import base64
import hmac
from collections.abc import Mapping
from typing import Final, NamedTuple

from otklik_contact_center.domain.providers.pushed import (
    WRONG,
    BadCredentialsError,
    Request,
    UnreadableError,
    same,
)
from otklik_contact_center.domain.providers.rows import cell_of, value_of
from otklik_contact_center.domain.signature import Fault

HEADER, FIELD, ADDRESS, HMAC = "header", "field", "address", "hmac"

WAYS: Final = (HEADER, FIELD, ADDRESS, HMAC)
HASHES: Final = ("sha1", "sha256", "sha512")
ENCODINGS: Final = ("hex", "base64")


class Proof(NamedTuple):
    """
    Where a product puts what proves its pushes.

    Attributes:
        by: `header`: the secret is the value of a header; `field`: of a field of the body;
            `address`: it stands in the address behind `/hook/`; `hmac`: a header holds the HMAC of
            the body by it.
        name: Of the header or field.
        hash, encoding, prefix: Of an HMAC: sha1, sha256 or sha512; hex or base64; what stands
            before it.
    """

    by: str
    name: str = ""
    hash: str = "sha256"
    encoding: str = "hex"
    prefix: str = ""

    def fault(self, request: Request, secret: str) -> Fault | None:
        """What is wrong with a push; None if it is proved by the secret."""
        if self.by == HMAC:
            expected = self.prefix + self._signature(request.body, secret)
            shown = request.headers.get(self.name.lower(), "").strip()
            if self.encoding == "hex":
                expected, shown = expected.lower(), shown.lower()
            return None if same(shown, expected) else WRONG
        return None if same(self._shown(request), secret) else WRONG

    def _shown(self, request: Request) -> str:
        if self.by == HEADER:
            return request.headers.get(self.name.lower(), "")
        if self.by == ADDRESS:
            return request.rest
        try:
            return cell_of(value_of(request.body), self.name)
        except UnreadableError:
            return ""

    def _signature(self, body: bytes, secret: str) -> str:
        digest = hmac.new(secret.encode(), body, self.hash).digest()
        return digest.hex() if self.encoding == "hex" else base64.b64encode(digest).decode()


def proof_of(credentials: Mapping[str, str]) -> Proof:
    """
    The proof that credentials state.

    Raises:
        BadCredentialsError: They state none.
    """
    stated = {name: value for name, value in credentials.items() if name in Proof._fields}
    proof = Proof(**{"by": "", **stated})
    for name, value, among in (
        ("by", proof.by, WAYS),
        ("hash", proof.hash, HASHES),
        ("encoding", proof.encoding, ENCODINGS),
    ):
        if value not in among:
            choice = ", ".join(among)
            raise BadCredentialsError(
                f"credentials.{name} must be one of {choice}",
                f"credentials.{name} – одно из: {choice}",
            )
    if proof.by != ADDRESS and not proof.name:
        raise BadCredentialsError(
            f"by {proof.by} needs credentials.name: of which {proof.by}?",
            f"для {proof.by} нужно credentials.name",
        )
    return proof
