"""The command: `python -m resayil`, and the script `resayil`."""

from __future__ import annotations

import signal
import sys
from typing import NoReturn

from ._native import run_command


def main() -> NoReturn:
    """Carries out the command line, and ends the process with the command's exit code."""
    # As in any other program: Python's own handler would only be
    # heard of when the command has ended.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(run_command(["resayil", *sys.argv[1:]]))


if __name__ == "__main__":
    main()
