"""What libraries would add to a function's start: each loaded behind the real runtime client, by turns."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from functools import partial
from time import perf_counter

from benchmarks.read.figure import Figure
from benchmarks.read.turns import by_turns

BARE = "import awslambdaric.bootstrap"
LIBRARIES = {
    "`http.client` with TLS": "import http.client",
    "psycopg": "import psycopg",
    "botocore's signer": "import botocore.auth",
    "Powertools' Logger and Metrics": "from aws_lambda_powertools import Logger, Metrics",
    "the X-Ray SDK": "import aws_xray_sdk.core",
    "Powertools' Tracer without patching": "from aws_lambda_powertools import Tracer; Tracer('x', auto_patch=False)",
    "Powertools' Tracer as it comes": "from aws_lambda_powertools import Tracer; Tracer('x')",
    "boto3 with one client": "import boto3; boto3.client('lambda', region_name='us-east-1')",
}


def imports(rounds: int) -> list[Figure]:
    """The best of each, since whatever else the machine does only ever adds; as a share of a bare function's start."""
    wanted = {"": BARE, **{name: f"{BARE}; {statement}" for name, statement in LIBRARIES.items()}}
    took = by_turns({name: partial(_seconds, statement) for name, statement in wanted.items()}, rounds, warm=1)
    best = {name: min(seconds) * 1000 for name, seconds in took.items()}
    bare = best.pop("")
    return [
        Figure(f"added to a start by {name}", (ms - bare) / bare, f"{ms - bare:.0f} ms ÷ {bare:.0f} ms")
        for name, ms in best.items()
    ]


def _seconds(statement: str) -> float:
    """Without site, as on Lambda; in what Powertools takes for Lambda."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": sysconfig.get_path("purelib"), "LAMBDA_TASK_ROOT": "/"}
    started = perf_counter()
    subprocess.run([sys.executable, "-S", "-c", statement], env=environment, check=True, capture_output=True)
    return perf_counter() - started
