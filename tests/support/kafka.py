"""A real Kafka broker for the tests: one KRaft node from Maven's jars, killed and paused at will."""

import fcntl
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

VERSION = "4.4.0"
_ROOT = Path(__file__).resolve().parents[2]
_POM = Path(__file__).with_name("kafka-pom.xml")
_START_SECONDS = 90.0
_STOP_SECONDS = 30.0

# Short sessions, no waiting for more members, nothing created by accident.
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{advertised}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
default.replication.factor=1
min.insync.replicas=1
num.partitions=12
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=1500
broker.heartbeat.interval.ms=300
log.cleaner.dedupe.buffer.size=8388608
"""
_JAVA = ("java", "-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


def fetch_jars() -> Path:
    """The folder of the broker's jars; Maven brings them once, for all processes."""
    cache = _ROOT / ".cache"
    jars = cache / f"kafka-{VERSION}"
    cache.mkdir(exist_ok=True)
    with (cache / "kafka.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if jars.exists():
            return jars
        print(f"Fetching Kafka {VERSION}", flush=True)
        partial = jars.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        goal = ["dependency:copy-dependencies", f"-DoutputDirectory={partial}"]
        subprocess.run(
            ["mvn", "-q", "-B", "-f", str(_POM), f"-Dkafka.version={VERSION}", *goal], check=True
        )
        partial.rename(jars)
    return jars


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listened on a moment ago."""
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


class KafkaBroker:
    """
    One broker in a folder of its own, on the same port and data for all its lives.

    Its methods block for seconds: inside a coroutine call them by `asyncio.to_thread`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        advertised_port: int | None = None,
        port: int | None = None,
        properties: str | None = None,
        java: Sequence[str] = _JAVA,
    ) -> None:
        """
        A broker that does not run yet.

        Args:
            advertised_port: Where clients are sent, for a proxy that spoils the network.
            port: Where a broker with `properties` listens, which are not those of the tests.
            java: How its JVM is started; the default is small and quick to start.
        """
        self.port, self._controller_port = free_ports(2)
        self.port = port or self.port
        self._advertised = advertised_port or self.port
        self._folder = folder
        self._properties = properties or _PROPERTIES.format(
            port=self.port,
            controller=self._controller_port,
            advertised=self._advertised,
            data=folder / "data",
        )
        self._java = java
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        """The address to give to clients."""
        return f"127.0.0.1:{self._advertised}"

    @property
    def pid(self) -> int:
        """The broker's process id; an error if it does not run."""
        assert self._process is not None, "the broker does not run"
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether its process lives, frozen or not."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the broker and wait until its own process listens."""
        assert self._process is None, "the broker runs already"
        properties = self._folder / "server.properties"
        if not properties.exists():
            self._format(properties)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._java, "-cp", self._classpath(), "kafka.Kafka", str(properties)],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            self._wait_until_it_listens()
        except BaseException:
            self.kill()
            raise

    def kill(self) -> None:
        """End it as a power cut would; nothing if it does not run."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in good order; a broker that does not go is killed. Nothing if it does not run."""
        self._end(signal.SIGTERM)

    def restart(self) -> None:
        """Kill it and start it again on the same data and port."""
        self.kill()
        self.start()

    def pause(self) -> None:
        """Freeze the process: connections stay open, nothing is answered."""
        psutil.Process(self.pid).suspend()

    def resume(self) -> None:
        """Let a frozen process go on."""
        psutil.Process(self.pid).resume()

    async def create_topics(self, *names: str, partitions: int = 12) -> None:
        """Make topics; an error if one exists already."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        try:
            topics = [
                NewTopic(name, num_partitions=partitions, replication_factor=1) for name in names
            ]
            answer = await admin.create_topics(topics)
            failed = [error for error in answer.topic_errors if error[1] != 0]
            assert not failed, failed
        finally:
            await admin.close()

    @property
    def _log(self) -> Path:
        return self._folder / "broker.log"

    def _classpath(self) -> str:
        return f"{fetch_jars()}/*"

    def _format(self, properties: Path) -> None:
        # Voters that are named need no beginning; others begin as the first of themselves.
        alone = [] if "controller.quorum.voters" in self._properties else ["--standalone"]
        tool = [*_JAVA, "-cp", self._classpath(), "kafka.tools.StorageTool"]
        random = subprocess.run([*tool, "random-uuid"], capture_output=True, text=True, check=True)
        cluster = random.stdout.strip().splitlines()[-1]
        draft = self._folder / "draft.properties"
        draft.write_text(self._properties)
        subprocess.run(
            [*tool, "format", *alone, "-t", cluster, "-c", str(draft)],
            check=True,
            capture_output=True,
        )
        # Its presence says that the storage is formatted.
        draft.rename(properties)

    def _wait_until_it_listens(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        process = psutil.Process(self.pid)
        while not self._listens(process):
            assert self._process is not None
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = self._log.read_text(errors="replace")[-2000:]
                raise RuntimeError(f"Kafka did not start: {said}")
            time.sleep(0.1)

    def _listens(self, process: psutil.Process) -> bool:
        """Whether this process listens: another program on our port must not be taken for it."""
        try:
            connections = process.net_connections("tcp")
        except psutil.Error:
            return False
        return any(
            found.status == psutil.CONN_LISTEN and found.laddr.port == self.port
            for found in connections
        )

    def _end(self, with_signal: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(with_signal)
        # A frozen process hears nothing but SIGKILL until it goes on.
        process.send_signal(signal.SIGCONT)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def running_kafka(
    *, advertised_port: int | None = None, java: Sequence[str] = _JAVA
) -> Iterator[KafkaBroker]:
    """A broker of its own, thrown away at the end; the arguments as in KafkaBroker."""
    folder = Path(tempfile.mkdtemp(prefix="otklik-kafka-"))
    broker = KafkaBroker(folder, advertised_port=advertised_port, java=java)
    try:
        broker.start()
        yield broker
    finally:
        broker.kill()
        shutil.rmtree(folder)


if __name__ == "__main__":
    fetch_jars()
