"""The command ``labcore``, and ``python -m labcore``: Ctrl-C ends it without a traceback, from its first line to its last."""

import os
import signal
import sys
from types import FrameType

INTERRUPTED = 130


def leave(number: int, frame: FrameType | None) -> None:
    """End at once: nothing has been begun yet, or all is done."""
    os.write(2, b"labcore: interrupted\n")
    os._exit(INTERRUPTED)


def handle(handler: object) -> None:
    """Set what Ctrl-C does, unless it is ignored, as under nohup."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, handler)  # type: ignore[arg-type]


def run() -> int:
    """Run the command line; returns its exit status."""
    handle(leave)  # imports take a while, and some turn a KeyboardInterrupt into another error
    if "_ARGCOMPLETE" in os.environ:  # a shell asks what could follow
        from labcore.cli.completion import complete

        complete()
    from labcore.cli.main import main

    try:
        handle(signal.default_int_handler)
        return main()
    except KeyboardInterrupt:  # between two lines of main
        return INTERRUPTED
    finally:
        handle(leave)


def command() -> int:
    """The same for a process of its own, which ends at once after it."""
    from labcore.loading import quick_exit

    return quick_exit(run)


if __name__ == "__main__":
    sys.exit(command())
