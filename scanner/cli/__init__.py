"""The command `scanner`: thin doors over `scanner.scan.Scan`; heavy imports happen inside verbs."""

from __future__ import annotations

import sys

from scanner.errors import ScannerError


def main() -> None:
    """Run the command; errors of ours are one line on stderr and an exit code."""
    from scanner.cli.app import app

    try:
        app()
    except ScannerError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:  # the reader of the output went away: `scanner list ... | head`
        sys.stderr.close()
        sys.exit(0)
