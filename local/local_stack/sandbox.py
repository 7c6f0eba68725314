"""A function's sandbox finds no library that botocore takes where it is installed, and that ships with no function.

MiniStack runs functions in its own interpreter, whose environment has the AWS CLI and the SAM CLI as well. One brings
awscrt, the other pyOpenSSL, and botocore loads both: 60 ms of every start that AWS does not take.
"""

from ministack.core import lambda_runtime

NOT_SHIPPED = ("awscrt", "OpenSSL")  # modules
# Source: Python language reference, "The module cache": a value of None makes the import a ModuleNotFoundError.
_HIDE = f"import sys\nsys.modules.update(dict.fromkeys({NOT_SHIPPED}))\n"


def install() -> None:
    """Hide them from every sandbox that starts from now on."""
    lambda_runtime._PYTHON_WORKER_SCRIPT = _HIDE + lambda_runtime._PYTHON_WORKER_SCRIPT  # noqa: SLF001 - what they run
