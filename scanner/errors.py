"""The exceptions of the scanner; each carries the exit code of the command line.

Every message names the key, the value and the mend.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from traceback import extract_tb


class ScannerError(Exception):
    """Base of all errors that a user can mend."""

    exit_code = 2


class DefinitionError(ScannerError):
    """A scan definition or an argument cannot be used (exit code 2)."""


class CatalogError(DefinitionError):
    """A scenario, experiment, definition or scan of that name does not exist (exit code 2)."""


class UnknownScanError(CatalogError):
    """No stored scan has that name (exit code 2)."""


class IncompleteScanError(ScannerError):
    """The question needs chunks that are not computed yet (exit code 3)."""

    exit_code = 3


class MismatchError(ScannerError):
    """A store, a table or a worker belongs to another definition, data or code (exit code 4)."""

    exit_code = 4


class DataError(MismatchError):
    """A shipped or released data table is missing or damaged (exit code 4)."""


class ClusterError(ScannerError):
    """The Dask cluster cannot be reached or did not finish the work (exit code 5)."""

    exit_code = 5


class StoreError(ScannerError):
    """The store is not readable, not writable or full (exit code 6)."""

    exit_code = 6


def raised_at(error: BaseException) -> str:
    """File and line of a user's own code that an error came through last; empty if it did not.

    Code of this package and of Python itself is passed over, that of installed packages too where
    there is other.
    """
    ours, installed = Path(__file__).parent, ""
    for frame in reversed(extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if not path.is_file() or path.is_relative_to(ours):
            continue
        place = f"{path.name}, line {frame.lineno}"
        if "site-packages" in path.parts:
            installed = installed or place
        elif not (path.is_relative_to(sys.prefix) or path.is_relative_to(sys.base_prefix)):
            return place
    return installed


def error_of(exit_code: int, message: str) -> ScannerError:
    """The error that ended another process with that exit code.

    >>> error_of(5, "all workers were lost")
    ClusterError('all workers were lost')
    """
    for kind in (DefinitionError, IncompleteScanError, MismatchError, ClusterError, StoreError):
        if kind.exit_code == exit_code:
            return kind(message)
    error = ScannerError(message)
    error.exit_code = exit_code
    return error


MOST_NAMES = 24
"""Names that a message lists; of more, the nearest are still found."""
MOST_MATCHED, LONGEST_NAME = 1000, 200
"""Names, and letters of a name, among which the nearest are looked for."""


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Message for an unknown name, with the nearest known ones.

    >>> unknown("model", "univresal", ["universal", "B-L"])
    "unknown model 'univresal': did you mean 'universal'? (known: universal, B-L)"
    >>> len(unknown("model", "x" * 10**6, ["y" * 10**6])) < 1000
    True
    >>> unknown("parameter", "mass", ["nsi_mass", "light_vector_mass"]).partition("?")[0]
    "unknown parameter 'mass': did you mean 'nsi_mass' or 'light_vector_mass'"
    """
    names = [n[:LONGEST_NAME] for n in known]
    name = name[:LONGEST_NAME]  # the matching takes the square of it
    longer = [n for n in names if n.endswith(f"_{name}")]
    near = longer or get_close_matches(name, names[:MOST_MATCHED], n=2, cutoff=0.5)
    hint = f": did you mean {' or '.join(repr(n) for n in near)}?" if near else ""
    shown = ", ".join(names[:MOST_NAMES]) or "none"
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return f"unknown {kind} {name!r}{hint} (known: {shown}{more})"


def counted(count: int) -> str:
    """Workers for people.

    >>> counted(1), counted(2)
    ('1 worker', '2 workers')
    """
    return f"{count} worker{'' if count == 1 else 's'}"


def missing_folder(target: str, folder: str) -> str:
    """What to say of a file that is to be written where no folder is.

    >>> missing_folder("s3:/scans/a.pdf", "s3:/scans")
    's3:/scans/a.pdf is an address: files are written on this computer; give a path here'
    """
    scheme, colon, _ = target.partition(":/")
    if colon and scheme.isalnum():  # a Path has taken the second slash away
        return f"{target} is an address: files are written on this computer; give a path here"
    return f"{target}: the folder {folder} does not exist: make it first"
