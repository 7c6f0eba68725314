"""One background process for what the emulator lacks: metric-math alarms and X-Ray's daemon.

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

from botocore.exceptions import BotoCoreError, ClientError

from local_stack.alarms import AlarmDefinitionError, AlarmKeeper
from local_stack.clients import client
from local_stack.traces import FILE_NAME, Traces

ALARM_SECONDS = 0.5
EMULATOR_GONE_SECONDS = 30.0


def command(folder: Path, endpoint_url: str, traces_fd: int, alarm_period_seconds: int) -> list[str]:
    """What starts the sidecar; `traces_fd` is the inherited file descriptor of a bound UDP socket."""
    options = ["--folder", str(folder), "--endpoint", endpoint_url, "--traces", str(traces_fd)]
    return [sys.executable, "-m", "local_stack.sidecar", *options, "--alarm-period", str(alarm_period_seconds)]


class Sidecar:
    """Judges alarms and keeps traces until `stop`, or until the emulator is gone for good."""

    def __init__(self, endpoint_url: str, traces: Traces, alarm_period_seconds: int) -> None:
        self._keeper = AlarmKeeper(client(endpoint_url, "cloudwatch"), alarm_period_seconds)
        self._traces = traces
        self._stopped = threading.Event()

    def run(self) -> None:
        """Work until stopped."""
        receiver = threading.Thread(target=self._receive_traces)
        receiver.start()
        self._judge_alarms()
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
    parser.add_argument("--alarm-period", type=int, required=True, help="seconds")
    chosen = parser.parse_args()
    traces = Traces(socket.socket(fileno=chosen.traces), chosen.folder / FILE_NAME)
    sidecar = Sidecar(chosen.endpoint, traces, chosen.alarm_period)
    signal.signal(signal.SIGTERM, lambda *_: sidecar.stop())
    sidecar.run()


if __name__ == "__main__":
    main()
