"""Hashing passwords with argon2id: slow on purpose, so never in the event loop."""

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

# OWASP's password storage cheat sheet: argon2id with 19 MiB, two passes, one lane. Two threads
# bound what a flood of sign-ins can take: 38 MiB and two cores.
_HASHER: Final = PasswordHasher(
    time_cost=2, memory_cost=19 * 1024, parallelism=1, hash_len=32, salt_len=16, type=Type.ID
)
_THREADS: Final = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")

_NOBODY: Final = _HASHER.hash(secrets.token_urlsafe(24))
"""Verified where there is no such login, so that an answer takes as long as for a known one."""

_READABLE: Final = "abcdefghijkmnpqrstuvwxyz23456789"


async def hashed(password: str) -> str:
    """The argon2id hash of a password, parameters and salt included."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_THREADS, _HASHER.hash, password)


async def verified(password: str, known: str | None) -> bool:
    """Whether a password belongs to a hash; as slow where there is no hash."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_THREADS, _verify, password, known)


def _verify(password: str, known: str | None) -> bool:
    try:
        _HASHER.verify(known or _NOBODY, password)
    except (VerificationError, InvalidHashError):
        return False
    return known is not None


def outdated(known: str) -> bool:
    """Whether a hash was made with weaker parameters than today's."""
    return _HASHER.check_needs_rehash(known)


def random_password() -> str:
    """A password that can be read out: four groups of five, 100 bits."""
    groups = ("".join(secrets.choice(_READABLE) for _ in range(5)) for _ in range(4))
    return "-".join(groups)
