"""The command `scanner`: thin doors over `scanner.scan.Scan`; heavy imports happen inside verbs."""

from __future__ import annotations

import gc
import os
import sys
from typing import NoReturn

from scanner.cli.interrupts import interrupts_between_imports
from scanner.cli.terminal import shield
from scanner.errors import ScannerError

INTERRUPTED = 130
"""Exit code, as of whatever SIGINT ends."""
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def main() -> None:
    """Run the command; errors are one line on stderr and an exit code."""
    # matrices are small: more threads only get into each other's way, and the workers' too
    for name in THREADS:
        os.environ.setdefault(name, "1")
    shield()
    # a command makes few cycles, and many objects that stay
    gc.set_threshold(50_000, 20, 50)
    try:
        with interrupts_between_imports():
            _main()
    except KeyboardInterrupt:  # before the verb began
        _interrupted()
    finally:
        gc.freeze()  # else the interpreter takes half a second to part from its modules


def _main() -> None:
    from scanner.cli.app import Abort, UsageError, app

    if len(sys.argv) == 1:
        sys.argv.append("--help")
    try:
        code = app(standalone_mode=False)
        if code == INTERRUPTED:  # how newer typers tell it; older ones by an Abort
            _interrupted()
        sys.exit(code)
    except ScannerError as error:
        _fail(str(error), error.exit_code)
    except UsageError as error:  # unknown verb or option, a value of the wrong type
        _fail(f"{error.format_message()} (see scanner --help)", 2)
    except Abort as error:
        if isinstance(error.__cause__, KeyboardInterrupt):
            _interrupted()
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # the reader of the output went away: `scanner list ... | head`
        sys.stderr.close()
        sys.exit(0)


def _interrupted() -> NoReturn:
    print("interrupted", file=sys.stderr)
    sys.exit(INTERRUPTED)


def _fail(message: str, code: int) -> NoReturn:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(code)
