"""How a child process sees that its parent is gone, even by kill -9: a pipe that ends."""

import os
import signal
import threading
import time

GRACE_SECONDS = 3


def follow(descriptor: str | None) -> None:
    """
    End this process soon after the other end of a pipe is closed.

    Args:
        descriptor: Number of the inherited reading end; None when nobody started us so.
    """
    if descriptor is None:
        return
    reading = int(descriptor)
    try:
        os.fstat(reading)
    except OSError:
        return  # the variable was inherited, the descriptor was not
    threading.Thread(target=_watch, args=(reading,), daemon=True, name="lifeline").start()


def _watch(reading: int) -> None:
    while os.read(reading, 1):
        continue
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(1)
