"""Read exported contours back, whatever the format: for overlays and comparisons."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import yaml

from scanner.errors import DataError, DefinitionError
from scanner.limits.export import hepdata, text
from scanner.limits.export.limit import Limit


def read_contours(path: Path | str) -> tuple[Limit, ...]:
    """Contours of a CSV or JSON file, or of a HEPData folder or archive, as they were written.

    Vertices are those of `scanner.contours`, to the last bit. A contour without lines is not in a
    HEPData submission.

    Raises
    ------
    DefinitionError
        There is no such file, or it has an unknown suffix.
    DataError
        The file does not hold contours.
    """
    place = Path(path)
    if not place.exists():
        raise DefinitionError(f"{place}: there is no such file or folder")
    try:
        return _read(place)
    except (LookupError, TypeError, ValueError, StopIteration, yaml.YAMLError, OSError) as error:
        what = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{place}: holds no contours of `scanner export` ({what})") from error


def _read(place: Path) -> tuple[Limit, ...]:
    if place.is_dir():
        return hepdata.contours_from_hepdata(place)
    if place.name.endswith(tuple(hepdata.ARCHIVES)):
        with tempfile.TemporaryDirectory() as folder:
            _unpack(place, folder)
            return hepdata.contours_from_hepdata(Path(folder))
    readers = {".json": text.contours_from_json, ".csv": text.contours_from_csv}
    if place.suffix not in readers:
        known = ", ".join([*readers, *hepdata.ARCHIVES])
        raise DefinitionError(f"{place}: give a file in {known}, or a HEPData folder")
    return readers[place.suffix](place)


def _unpack(archive: Path, folder: str) -> None:
    if archive.suffix == ".zip":
        shutil.unpack_archive(archive, folder, "zip")
    else:  # a foreign tar may hold links and absolute paths
        shutil.unpack_archive(archive, folder, "gztar", filter="data")
