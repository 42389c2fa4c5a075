"""Limits and cubes for others: HEPData, CSV, JSON and NetCDF files, and their readers.

>>> from scanner.limits.export import read_contours
>>> for limit in read_contours("limit.csv"):  # doctest: +SKIP
...     print(limit.experiments, limit.contour.cl, len(limit.contour.lines))
"""

from scanner.limits.export.content import Question as Question
from scanner.limits.export.limit import Limit as Limit
from scanner.limits.export.netcdf import read_cube as read_cube
from scanner.limits.export.reader import read_contours as read_contours
from scanner.limits.export.record import check_record_path as check_record_path
from scanner.limits.export.record import write_record as write_record
