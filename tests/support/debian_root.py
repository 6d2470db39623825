"""Empty Debian systems in folders, entered by chroot: what a container is, without an engine."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

SUITE = "bookworm"
PACKAGES = ("ca-certificates", "python3", "python3-pip")
"""What python:3.11-slim-bookworm has and an empty Debian has not; both are Python 3.11."""

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
BUNDLE = Path("etc/ssl/certs/ca-certificates.crt")
TOOLS = ("debootstrap", "unshare", "chroot", "mount", "apt-get", "cp")

# Mounts live in a namespace that ends with the process: nothing is left to unmount.
_ENTER = """
set -e
root=$1 sealed=$2
shift 2
# Looked up outside: what the program inside is told of PATH is for the inside.
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
if [ "$sealed" = yes ]; then
    mount -t tmpfs tmpfs "$root/tmp"
    mount -o remount,bind,ro "$root"
fi
exec "$@"
"""
_GO = 'cd "$1" && shift && exec "$@"'


def missing() -> list[str]:
    """What this machine lacks for such a root."""
    lacks = [tool for tool in TOOLS if shutil.which(tool) is None]
    return lacks if os.geteuid() == 0 else ["the rights of root", *lacks]


class Root:
    """A Debian system in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def make(cls, folder: Path) -> "Root":
        """An empty one, from wherever this machine's apt gets its packages."""
        include = f"--include={','.join(PACKAGES)}"
        subprocess.run(
            ["debootstrap", "--variant=minbase", include, SUITE, folder, _mirror()],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        made = cls(folder)
        made.lend_network()
        return made

    def copy(self, folder: Path) -> "Root":
        """Another one like it."""
        subprocess.run(["cp", "-a", "--reflink=auto", self.folder, folder], check=True)
        return Root(folder)

    def lend_network(self) -> None:
        """The machine's own ways to names, registries and mirrors: here alone, at run time."""
        for name in ("etc/resolv.conf", "etc/hosts", "etc/pip.conf", "etc/apt/apt.conf.d"):
            found, wanted = Path("/") / name, self.folder / name
            if found.is_dir():
                shutil.copytree(found, wanted, dirs_exist_ok=True)
            elif found.exists():
                shutil.copy(found, wanted)
        shutil.copy("/" / BUNDLE, self.folder / BUNDLE)

    def popen(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str = "/",
        user: str = "0:0",
        sealed: bool = False,
        **arguments: Any,
    ) -> subprocess.Popen[str]:
        """
        Start a program inside.

        Args:
            env: All that it is told.
            sealed: As in a deployment: everything is read-only, but for an empty /tmp.
        """
        root = str(self.folder)
        chroot = [_found("chroot"), f"--userspec={user}", "--groups=", root]
        return subprocess.Popen(
            [
                *(_found("unshare"), "--mount", "/bin/sh", "-c", _ENTER, "sh"),
                *(root, "yes" if sealed else "no", *chroot),
                *("/bin/sh", "-c", _GO, "sh", cwd, *command),
            ],
            env={"PATH": PATH, "HOME": "/nonexistent", **env},
            stdin=subprocess.DEVNULL,
            text=True,
            **arguments,
        )

    def run(self, command: Sequence[str], **arguments: Any) -> subprocess.CompletedProcess[str]:
        """Run a program inside to its end; its output, whatever its code."""
        process = self.popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **arguments)
        out, err = process.communicate()
        return subprocess.CompletedProcess(command, process.returncode, out, err)


def registries() -> dict[str, str]:
    """How clients of registries are told their way on this machine, and whom they trust: as it."""
    return {"SSL_CERT_FILE": f"/{BUNDLE}"} | {
        name: value
        for name, value in os.environ.items()
        if name.upper().startswith(("PIP_INDEX", "PIP_EXTRA", "UV_INDEX", "UV_DEFAULT"))
        or name.upper() in {"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"}
    }


def _mirror() -> str:
    """Debian's own archive, as apt knows it here."""
    said = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages"],
        check=True,
        capture_output=True,
        text=True,
    )
    sites = [line.rstrip("/") for line in said.stdout.splitlines()]
    return next((site for site in sites if site.endswith("/debian")), sites[0])


def _found(tool: str) -> str:
    path = shutil.which(tool)
    assert path is not None
    return path
