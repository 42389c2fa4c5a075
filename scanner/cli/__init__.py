"""The command `scanner`: thin doors over `scanner.scan.Scan`; heavy imports happen inside verbs."""

from __future__ import annotations

import gc
import os
import sys
from typing import NoReturn

from scanner.cli.terminal import shield
from scanner.errors import ScannerError

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
        _main()
    finally:
        gc.freeze()  # else the interpreter takes half a second to part from its modules


def _main() -> None:
    from scanner.cli.app import Abort, UsageError, app

    if len(sys.argv) == 1:
        sys.argv.append("--help")
    try:
        sys.exit(app(standalone_mode=False))
    except ScannerError as error:
        _fail(str(error), error.exit_code)
    except UsageError as error:  # unknown verb or option, a value of the wrong type
        _fail(f"{error.format_message()} (see scanner --help)", 2)
    except Abort:
        sys.exit(130)
    except BrokenPipeError:  # the reader of the output went away: `scanner list ... | head`
        sys.stderr.close()
        sys.exit(0)


def _fail(message: str, code: int) -> NoReturn:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(code)
