"""
`make image-check`: the Dockerfile's steps in an empty Debian, and what the image then does.

There is no container engine in it: each stage is a folder from debootstrap, entered by chroot.
Debian's Python 3.11 stands in for python:3.11-slim-bookworm. Afterwards everything runs as in a
deployment, as the image's user on a read-only root, against a PostgreSQL 18 of this machine.
"""

import json
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_bytes

import httpx

from tests.support.compose import ROOT, composed
from tests.support.debian_root import Root, missing, registries
from tests.support.deployment import Client
from tests.support.dockerfile import Instruction, Stage, stages
from tests.support.kafka import free_ports
from tests.support.plain_postgres import plain_postgres

PASSWORD = "of-the-server"
READY_SECONDS = 180
ENTRANCE = ROOT / "deploy" / "compose" / "entrance.conf"

# What the image nginx-unprivileged has around a conf.d, in short.
NGINX = """
pid /tmp/nginx.pid;
error_log stderr;
events {}
http {
    client_body_temp_path /tmp/body;
    proxy_temp_path /tmp/proxy;
    fastcgi_temp_path /tmp/fastcgi;
    uwsgi_temp_path /tmp/uwsgi;
    scgi_temp_path /tmp/scgi;
    include /etc/nginx/conf.d/default.conf;
}
"""


def say(*words: object) -> None:
    print(*words, flush=True)


class Build:
    """Stages that are carried out one after the other."""

    def __init__(self, empty: Root, folder: Path) -> None:
        self._empty = empty
        self._folder = folder
        self._made: dict[str, Root] = {}

    def carry_out(self, stage: Stage) -> Root:
        """The root that a stage leaves behind."""
        name = stage.name or "image"
        say(f"FROM {stage.base} ({name}), for which an empty Debian stands")
        root = self._made[name] = self._empty.copy(self._folder / name)
        env, cwd = {"HOME": "/root"}, "/"
        for one in stage.instructions:
            say(f"{one.verb} {one.text}")
            if one.verb == "ENV":
                env |= one.assignments()
            elif one.verb == "WORKDIR":
                cwd = one.text
                (root.folder / cwd.lstrip("/")).mkdir(parents=True, exist_ok=True)
            elif one.verb == "COPY":
                self._copy(root, cwd, one)
            elif one.verb == "RUN":
                shell = ["/bin/sh", "-c", one.text]
                done = root.run(shell, env=env | registries(), cwd=cwd)
                if done.returncode != 0:
                    raise SystemExit(f"failed with {done.returncode}:\n{done.stdout}{done.stderr}")
        return root

    def _copy(self, root: Root, cwd: str, one: Instruction) -> None:
        *sources, target = one.words()
        origin = ROOT
        if sources[0].startswith("--from="):
            origin = self._made[sources.pop(0).removeprefix("--from=")].folder
        wanted = root.folder / cwd.lstrip("/") / target.lstrip("/")
        if target.startswith("/"):
            wanted = root.folder / target.lstrip("/")
        for source in sources:
            found = origin / source.lstrip("/")
            if found.is_dir():
                left_out = shutil.ignore_patterns("__pycache__") if origin is ROOT else None
                shutil.copytree(found, wanted, symlinks=True, dirs_exist_ok=True, ignore=left_out)
            else:
                shutil.copy(found, wanted)


class Image:
    """What was built, run as a deployment runs it."""

    def __init__(self, root: Root, stage: Stage) -> None:
        self.root = root
        self.user = stage.last("USER").text
        self._env = stage.last("ENV").assignments()
        self._entry = stage.last("ENTRYPOINT").words()

    def run(self, *command: str, told: Mapping[str, str]) -> str:
        """A command to its end; what it says."""
        say("$", *self._entry, *command)
        done = self.root.run(
            [*self._entry, *command], env={**self._env, **told}, user=self.user, sealed=True
        )
        if done.returncode != 0:
            raise SystemExit(f"ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def refused(self, *command: str) -> str:
        """A command that must fail; its standard error."""
        say("$", *self._entry, *command)
        done = self.root.run([*self._entry, *command], env=self._env, user=self.user, sealed=True)
        if done.returncode == 0:
            raise SystemExit("this should have been refused")
        return done.stderr

    @contextmanager
    def running(self, *command: str, told: Mapping[str, str]) -> Iterator[None]:
        """A command for as long as this lasts."""
        say("$", *self._entry, *command)
        process = self.root.popen(
            [*self._entry, *command],
            env={**self._env, **told},
            user=self.user,
            sealed=True,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield
        finally:
            process.terminate()
            say("ended with", process.wait(30))


def until_answered(url: str, status: int = 200) -> httpx.Response:
    """The answer of an address, once it is the expected one."""
    deadline = time.monotonic() + READY_SECONDS
    while True:
        with suppress(httpx.TransportError):
            answer = httpx.get(url)
            if answer.status_code == status:
                first = answer.text.partition("\n")[0][:100]
                say("GET", url.split("/", 3)[3], answer.status_code, first.strip())
                return answer
        if time.monotonic() > deadline:
            raise SystemExit(f"{url} does not answer")
        time.sleep(0.2)


def try_image(image: Image) -> None:
    """Every kind of process, over a PostgreSQL that is elsewhere."""
    say(image.run("--help", told={}).splitlines()[0])
    say(image.refused("up", "--data", "/tmp/data").strip().splitlines()[-1])
    with plain_postgres(user="postgres", password=PASSWORD, database="otklik") as port:
        api, ops = free_ports(2)
        told = {
            "OTKLIK_DATABASE_URL": f"postgresql://127.0.0.1:{port}/otklik",
            "OTKLIK_MASTER_KEY": b64encode(token_bytes(32)).decode(),
            "OTKLIK_HOST": "127.0.0.1",
            "OTKLIK_PORT": str(api),
            "OTKLIK_OPS_PORT": str(ops),
        }
        admin = f"postgresql://postgres:{PASSWORD}@127.0.0.1:{port}/otklik"
        say(
            image.run("migrate", "--json", told=told | {"OTKLIK_ADMIN_DATABASE_URL": admin}).strip()
        )
        made = json.loads(image.run("first-start", "--json", told=told))
        say(json.dumps({name: made[name] for name in ("company", "login")}))
        with image.running("serve", "contact-center", told=told):
            until_answered(f"http://127.0.0.1:{api}/livez")
            until_answered(f"http://127.0.0.1:{api}/readyz")
        with image.running("work", "contact-center", told=told):
            until_answered(f"http://127.0.0.1:{ops}/readyz")


def try_entrance(root: Root, user: str) -> None:
    """The configuration of nginx, before the services that docker-compose.yml declares."""
    say("the entrance, by Debian's nginx")
    install = "apt-get -qq update && apt-get -qq -y --no-install-recommends install nginx-light"
    told = {"DEBIAN_FRONTEND": "noninteractive"}
    done = root.run(["/bin/sh", "-c", install], env=told)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    with composed() as services:
        text = services.here(ENTRANCE.read_text(), "entrance")
        text = text.replace("listen 8080", f"listen {services.addresses['entrance']}:8080")
        # A pipe cannot be opened again by another user, as an engine's can.
        text = text.replace("/dev/stdout", "/tmp/access.log")
        (root.folder / "etc/nginx/conf.d/default.conf").write_text(text)
        (root.folder / "etc/nginx/nginx.conf").write_text(NGINX)
        nginx = root.popen(shlex.split("nginx -g 'daemon off;'"), env={}, user=user, sealed=True)
        try:
            url = services.url("entrance")
            until_answered(f"{url}/livez")
            until_answered(f"{url}/metrics", 404)
            made = dict(
                line.split(None, 1) for line in services.run_job("first-start").splitlines()
            )
            client = Client(dict.fromkeys(("contact-center", "metrics"), url), made["key"])
            push = [{"id": "1", "contact": "c", "type": "queued", "at": "2026-03-02T09:00:00Z"}]
            push[0] |= {"channel": "call", "direction": "in", "from": "+79990000001"}
            deadline = time.monotonic() + READY_SECONDS
            while client.call("GET", "/contact-center/v1/sources").status_code != 200:
                if time.monotonic() > deadline:
                    raise SystemExit("the key is not known")
                time.sleep(0.2)
            say("POST", client.ok("POST", "/contact-center/v1/events", json=push))
            say("GET", len(client.ok("GET", "/metrics/v1/catalog")["metrics"]), "metrics")
            client.close()
        finally:
            nginx.terminate()
            nginx.wait(30)


def main() -> None:
    """Build, then try."""
    lacks = missing()
    if lacks:
        raise SystemExit(f"this needs {', '.join(lacks)}; debootstrap is a package of Debian")
    with tempfile.TemporaryDirectory(prefix="otklik-image-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        empty = Root.make(folder / "empty")
        say("made an empty Debian with", *sorted(p.name for p in (folder / "empty").iterdir()))
        build = Build(empty, folder)
        declared = stages(ROOT / "Dockerfile")
        *_, root = [build.carry_out(stage) for stage in declared]
        image = Image(root, declared[-1])
        try_image(image)
        size = subprocess.run(
            ["du", "-sm", root.folder / "opt/otklik"], capture_output=True, text=True, check=True
        )
        say(f"/opt/otklik takes {size.stdout.split()[0]} MB")
        try_entrance(empty, image.user)
    say("the image works")


if __name__ == "__main__":
    main()
    sys.exit(0)
