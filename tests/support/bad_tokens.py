"""
Tokens that must not be believed: each is right in all but one thing, and signed where it can be.

Source: RFC 8725, and the faults of JWT libraries that it was written for.
"""

import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from otklik_common.keys import ALGORITHM, _decode, _encode, new_signer

Json = dict[str, Any]
Change = Callable[[Json], Any]


def put(**fields: Any) -> Change:
    """A change that says something else, or more."""
    return lambda value: value.update(fields)


def drop(name: str) -> Change:
    """A change that leaves something out."""

    def change(value: Json) -> None:
        del value[name]

    return change


@dataclass(frozen=True)
class Forger:
    """
    Somebody who has a company's signing key and says what they like with it.

    Attributes:
        good: A token signed with it, which is believed.
        private, public: Both halves of the key.
        api_key: An API key, which is no token.
    """

    good: str
    private: str
    public: str
    api_key: str

    @property
    def head(self) -> Json:
        """What stands before the claims of the good token."""
        return _read(self.good.split(".")[0])

    @property
    def claims(self) -> Json:
        """What the good token says."""
        return _read(self.good.split(".")[1])

    @property
    def tenant(self) -> str:
        """The company."""
        return str(self.claims["tenant"])

    @property
    def key_id(self) -> str:
        """Id of the key within the company."""
        return str(self.head["kid"]).partition(".")[2]

    @property
    def subject(self) -> str:
        """Whom the good token is for."""
        return str(self.claims["sub"])

    def forge(
        self,
        head: Change | None = None,
        body: Change | None = None,
        *,
        private: str | None = None,
        raw_head: bytes | None = None,
        raw_body: bytes | None = None,
    ) -> str:
        """A token that says something else, signed anew: only what it says is wrong with it."""
        parts = []
        for value, change, raw in (
            (self.head, head, raw_head),
            (self.claims, body, raw_body),
        ):
            if change is not None:
                change(value)
            parts.append(_encode(json.dumps(value).encode() if raw is None else raw))
        signer = Ed25519PrivateKey.from_private_bytes(_decode(private or self.private))
        return ".".join((*parts, _encode(signer.sign(".".join(parts).encode()))))

    def _hs256_with_the_public_key(self) -> str:
        head = json.dumps({**self.head, "alg": "HS256"}).encode()
        signed = f"{_encode(head)}.{self.good.split('.')[1]}"
        mac = hmac.digest(_decode(self.public), signed.encode(), hashlib.sha256)
        return f"{signed}.{_encode(mac)}"

    def _unsigned(self, alg: str) -> str:
        return self.forge(put(alg=alg)).rsplit(".", 1)[0] + "."

    def _with_payload_of(self, **said: Any) -> str:
        first, _, third = self.good.split(".")
        return f"{first}.{self.forge(body=put(**said)).split('.')[1]}.{third}"

    def bad_tokens(self) -> dict[str, str]:
        """What is wrong → the token."""
        good, stamp = self.good, int(self.claims["iat"])
        other_private, other_public = new_signer()
        return {
            "empty": "",
            "dots": "..",
            "two parts": good.rsplit(".", 1)[0],
            "four parts": good + ".x",
            "five parts, as if encrypted": "a.b.c.d.e",
            "not base64": "!!!.???.###",
            "padded": good + "=",
            "space behind": good + " ",
            "new line behind": good + "\n",
            "huge": good + "A" * 5000,
            "no JSON in the head": self.forge(raw_head=b"alg"),
            "no object in the head": self.forge(raw_head=b"[]"),
            "no UTF-8 in the head": self.forge(raw_head=b"\xff"),
            "no object in the body": self.forge(raw_body=b'"text"'),
            "deep body": self.forge(raw_body=b"[" * 900),
            "alg none": self._unsigned("none"),
            "alg None": self._unsigned("None"),
            "alg NONE": self._unsigned("NONE"),
            "alg none, signed": self.forge(put(alg="none")),
            "alg HS256 with the public key": self._hs256_with_the_public_key(),
            "alg RS256": self.forge(put(alg="RS256")),
            "alg ES256": self.forge(put(alg="ES256")),
            "alg EdDSA, retired": self.forge(put(alg="EdDSA")),
            "alg Ed448": self.forge(put(alg="Ed448")),
            "alg a list": self.forge(put(alg=[ALGORITHM])),
            "alg missing": self.forge(drop("alg")),
            "typ JWT": self.forge(put(typ="JWT")),
            "typ of another purpose": self.forge(put(typ="otklik-customer+jwt")),
            "typ missing": self.forge(drop("typ")),
            "kid missing": self.forge(drop("kid")),
            "kid a path": self.forge(put(kid="../../dev/null")),
            "kid SQL": self.forge(put(kid=f"{self.tenant}.' OR 1=1 --")),
            "kid a number": self.forge(put(kid=7)),
            "kid of another company": self.forge(put(kid=f"other2ab.{self.key_id}")),
            "jku": self.forge(put(jku="https://evil.example/keys")),
            "x5u": self.forge(put(x5u="https://evil.example/cert")),
            "jwk of its own": self.forge(
                put(jwk={"kty": "OKP", "crv": "Ed25519", "x": other_public})
            ),
            "crit unknown": self.forge(put(crit=["exp2"], exp2=1)),
            "b64 false": self.forge(put(b64=False, crit=["b64"])),
            "another key's signature": self.forge(private=other_private),
            "no signature": good.rsplit(".", 1)[0] + ".",
            "signature of zeros": good.rsplit(".", 1)[0] + "." + "A" * 86,
            "signature cut": good[:-2],
            "payload of another token": self._with_payload_of(sub=str(UUID(int=8))),
            "iss another": self.forge(body=put(iss="evil")),
            "iss a prefix": self.forge(body=put(iss="otklik")),
            "iss longer": self.forge(body=put(iss="otklik/access.evil.example")),
            "iss a list": self.forge(body=put(iss=["otklik/access"])),
            "iss missing": self.forge(body=drop("iss")),
            "aud another": self.forge(body=put(aud="evil")),
            "aud a list with ours": self.forge(body=put(aud=["otklik", "evil"])),
            "aud missing": self.forge(body=drop("aud")),
            "exp a string": self.forge(body=put(exp=str(stamp + 600))),
            "exp a float": self.forge(body=put(exp=stamp + 600.0)),
            "exp true": self.forge(body=put(exp=True)),
            "exp endless": self.forge(body=put(exp=10**18)),
            "exp negative": self.forge(body=put(exp=-1)),
            "exp null": self.forge(body=put(exp=None)),
            "exp missing": self.forge(body=drop("exp")),
            "expired": self.forge(body=put(exp=stamp)),
            "life of a day": self.forge(body=put(exp=stamp + 86_400)),
            "nbf in the future": self.forge(body=put(nbf=stamp + 60)),
            "nbf missing": self.forge(body=drop("nbf")),
            "iat in the future": self.forge(body=put(iat=stamp + 60)),
            "iat missing": self.forge(body=drop("iat")),
            "tenant swapped": self.forge(body=put(tenant="other2ab")),
            "tenant missing": self.forge(body=drop("tenant")),
            "sub missing": self.forge(body=drop("sub")),
            "sub no UUID": self.forge(body=put(sub="admin")),
            "sub a UUID in braces": self.forge(body=put(sub="{" + self.subject + "}")),
            "sub a number": self.forge(body=put(sub=7)),
            "sub a list": self.forge(body=put(sub=[self.subject])),
            "origins a string": self.forge(body=put(origins="https://evil.example")),
            "origins of numbers": self.forge(body=put(origins=[1])),
            "exp twice": self.forge(
                raw_body=_decode(good.split(".")[1])[:-1] + f',"exp":{stamp + 9999}}}'.encode()
            ),
            "tenant twice": self.forge(
                raw_body=f'{{"tenant":"{self.tenant}",'.encode() + _decode(good.split(".")[1])[1:]
            ),
            "an API key": self.api_key,
        }


def _read(part: str) -> Json:
    read: Json = json.loads(_decode(part))
    return read
