"""MiniStack as a child process: loopback only, one port, an environment made from nothing.

The user's own AWS_* variables, profile and credentials never reach it or the Lambda workers it starts; those inherit
its environment, and its interpreter, which is how the functions find their libraries.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from local_stack import ports
from local_stack.process import LocalStackError, Process, spawn

PREFERRED_PORT = 4566  # where every emulator of AWS listens, and the tools that know one look
REGION = "us-east-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}
# A worker is a process of some 80 MB: enough of them for nested invocations, few enough for a laptop.
ACCOUNT_CONCURRENCY = 200
SANDBOX_IDLE_SECONDS = 86_400  # a sandbox, once paid for, stays
INHERITED = ("PATH", "LANG", "LC_ALL", "TZ")
# Where the emulator keeps what each role asked for, and whether it was allowed; see local_stack.authorization.
AUTHORIZATIONS_VARIABLE, AUTHORIZATIONS_FILE = "LOCAL_STACK_AUTHORIZATIONS", "authorizations.jsonl"
KEPT_FOLDER = "kept"
READY_SECONDS = 30.0
READY_PATH = "/_ministack/ready"
HEALTH_PATH = "/_ministack/health"
PROBE_SECONDS = 2.0


@dataclass(frozen=True)
class Emulator:
    """`endpoint_url` is `http://127.0.0.1:<port>`."""

    process: Process
    endpoint_url: str


def start(folder: Path, trace_port: int, wait_scale: float, say: Callable[[str], None]) -> Emulator:
    """Start MiniStack on port 4566, or on a free one if that is taken; `wait_until_ready` tells when it answers.

    `folder` gets `emulator.log` and `tmp/`. `trace_port` is the UDP port Lambda workers send X-Ray segments to.
    `wait_scale` multiplies the seconds of Step Functions' Wait states and retries (1 is real time).
    """
    port = PREFERRED_PORT if ports.is_free(PREFERRED_PORT) else ports.any_free()
    if port != PREFERRED_PORT:
        say(f"port {PREFERRED_PORT} is taken, using {port}")
    scratch = folder / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "local_stack.ministack"]
    environment = _environment(scratch, port, trace_port, wait_scale)
    process = spawn("MiniStack", command, folder / "emulator.log", environment, cwd=scratch)
    return Emulator(process, f"http://{ports.LOOPBACK}:{port}")


def wait_until_ready(emulator: Emulator, log: Path) -> None:
    """Return when the emulator takes requests. Raises LocalStackError, with the end of the log, if it never does."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and emulator.process.alive:
        if _status(emulator.endpoint_url + READY_PATH) == 200:  # noqa: PLR2004 - HTTP's own word for yes
            return
        time.sleep(0.05)
    raise LocalStackError(f"MiniStack: not ready after {READY_SECONDS:.0f} s, its log ends with\n{_tail(log)}")


def is_healthy(endpoint_url: str) -> bool:
    """Whether an emulator answers at this endpoint."""
    return _status(endpoint_url + HEALTH_PATH) == 200  # noqa: PLR2004 - HTTP's own word for yes


def _environment(scratch: Path, port: int, trace_port: int, wait_scale: float) -> dict[str, str]:
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    nowhere = str(scratch / "none")
    return {
        **inherited,
        **CREDENTIALS,
        "AWS_CONFIG_FILE": nowhere,
        "AWS_SHARED_CREDENTIALS_FILE": nowhere,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AUTH": "true",  # functions run under their own roles, as on AWS; these credentials are the account's root
        AUTHORIZATIONS_VARIABLE: str(scratch.parent / AUTHORIZATIONS_FILE),
        "AWS_XRAY_DAEMON_ADDRESS": f"{ports.LOOPBACK}:{trace_port}",
        "BIND_HOST": ports.LOOPBACK,
        "GATEWAY_PORT": str(port),
        "HOME": str(scratch),
        "IOT_MTLS_ENABLED": "0",
        "LAMBDA_ACCOUNT_CONCURRENCY": str(ACCOUNT_CONCURRENCY),
        "LAMBDA_WARM_TTL_SECONDS": str(SANDBOX_IDLE_SECONDS),
        "LOG_LEVEL": "WARNING",
        "SFN_WAIT_SCALE": str(wait_scale),
        "SFTP_ENABLED": "0",
        "STATE_DIR": str(scratch.parent / KEPT_FOLDER),  # see local_stack.keeping
        "TMPDIR": str(scratch),
    }


def _status(url: str) -> int | None:
    if urlsplit(url).hostname != ports.LOOPBACK:
        raise LocalStackError(f"endpoint: an emulator on {ports.LOOPBACK} only, got {url}")
    try:
        with urllib.request.urlopen(url, timeout=PROBE_SECONDS) as answer:  # noqa: S310 - http to loopback, checked above
            json.load(answer)
            status: int = answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except (OSError, ValueError):
        return None
    return status


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:] if log.exists() else "(no log)"
