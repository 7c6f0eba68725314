"""One background process for what the emulator lacks: metric-math alarms, X-Ray's daemon, an address for the ramp page.

Run as `python -m local_stack.sidecar` with the argument list of `command`. Ends on SIGTERM, and by itself when the
emulator has not answered for half a minute.
"""

import argparse
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from local_stack.alarms import AlarmDefinitionError, AlarmKeeper
from local_stack.clients import client
from local_stack.front import Front, through_lambda
from local_stack.traces import FILE_NAME, Traces

ALARM_SECONDS = 0.5
EMULATOR_GONE_SECONDS = 30.0


class Inherited(NamedTuple):
    """File descriptors of sockets that were bound before the sidecar started: UDP for traces, TCP for the page."""

    traces: int
    page: int


def command(folder: Path, endpoint_url: str, fds: Inherited, alarm_period_seconds: int) -> list[str]:
    """What starts the sidecar."""
    options = ["--folder", str(folder), "--endpoint", endpoint_url, "--alarm-period", str(alarm_period_seconds)]
    sockets = ["--traces", str(fds.traces), "--page", str(fds.page)]
    return [sys.executable, "-m", "local_stack.sidecar", *options, *sockets]


class Sidecar:
    """Judges alarms, keeps traces and serves the page until `stop`, or until the emulator is gone for good."""

    def __init__(self, endpoint_url: str, traces: Traces, front: Front, alarm_period_seconds: int) -> None:
        self._keeper = AlarmKeeper(client(endpoint_url, "cloudwatch"), alarm_period_seconds)
        self._front = front
        self._traces = traces
        self._stopped = threading.Event()

    def run(self) -> None:
        """Work until stopped."""
        receiver = threading.Thread(target=self._receive_traces)
        receiver.start()
        threading.Thread(target=self._front.serve_forever, daemon=True).start()
        self._judge_alarms()
        self._front.shutdown()
        receiver.join()

    def stop(self) -> None:
        """Make `run` return within a second or so."""
        self._stopped.set()

    def _judge_alarms(self) -> None:
        last_answer = time.monotonic()
        while not self._stopped.wait(ALARM_SECONDS):
            try:
                self._keeper.judge(time.time())
                last_answer = time.monotonic()
            except AlarmDefinitionError as error:  # somebody's alarm that only AWS can judge keeps its state
                print(f"alarms: {error}", flush=True)
            except (BotoCoreError, ClientError) as error:
                print(f"alarms: {type(error).__name__}: {error}", flush=True)
                if time.monotonic() - last_answer > EMULATOR_GONE_SECONDS:
                    self.stop()

    def _receive_traces(self) -> None:
        while not self._stopped.is_set():
            self._traces.receive()


def main() -> None:
    """Run the sidecar of the command line."""
    parser = argparse.ArgumentParser(prog="local_stack.sidecar")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--traces", type=int, required=True, help="file descriptor of a bound UDP socket")
    parser.add_argument("--page", type=int, required=True, help="file descriptor of a bound TCP socket")
    parser.add_argument("--alarm-period", type=int, required=True, help="seconds")
    chosen = parser.parse_args()
    traces = Traces(socket.socket(fileno=chosen.traces), chosen.folder / FILE_NAME)
    front = Front(through_lambda(client(chosen.endpoint, "lambda")), socket.socket(fileno=chosen.page))
    sidecar = Sidecar(chosen.endpoint, traces, front, chosen.alarm_period)
    signal.signal(signal.SIGTERM, lambda *_: sidecar.stop())
    sidecar.run()


if __name__ == "__main__":
    main()
