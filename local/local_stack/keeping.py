"""What AWS keeps whatever dies of it: at SIGUSR1 the emulator writes all it holds to STATE_DIR, and waits to be killed.

MiniStack writes when it is stopped in peace and reads when it starts with PERSIST_STATE=1 (its core/persistence.py).
After SIGUSR1 it answers nobody, so that what is kept is what was acknowledged, to the call.
"""

import os
import signal
import sys
from pathlib import Path
from types import FrameType

from ministack import app
from ministack.core import persistence

STATE_DIR, PERSIST_STATE = "STATE_DIR", "PERSIST_STATE"
KEPT = "kept"  # a file that is there once all is written


def install() -> None:
    """Keep at SIGUSR1."""
    signal.signal(signal.SIGUSR1, _keep)


def _keep(_number: int, _frame: FrameType | None) -> None:
    """On the thread that answers requests."""
    sys.setswitchinterval(3600)  # seconds: no thread of the emulator changes what is being written
    persistence.PERSIST_STATE = True
    persistence.save_all(app._build_persistence_save_dict())  # noqa: SLF001 - what it does at its own end
    Path(os.environ[STATE_DIR], KEPT).touch()
    while True:
        signal.pause()
