"""`ramp page`: the ramp page in a browser, as whoever may invoke its function."""

import webbrowser
from typing import TYPE_CHECKING

import typer
from local_stack.front import Front, through_lambda

from rampctl.exits import DONE, Exit

if TYPE_CHECKING:
    from rampctl.session import Session


def page(session: "Session", *, opens: bool) -> Exit:
    """Serve the page on loopback until Ctrl-C: each request is an invocation with the caller's own credentials."""
    front = Front(through_lambda(session.functions), caller_arn=session.caller_arn)
    typer.echo(f"{front.url}\nCtrl-C ends it.")
    if opens:
        webbrowser.open(front.url)
    try:
        front.serve_forever()
    except KeyboardInterrupt:
        front.server_close()
    return DONE
