"""Storage: one chunk of chi2 through zarr into a file and back, by codec and by form of numbers.

GB/s are of the float64 values that go in and come out, whatever is stored.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import yardstick
import zarr
from zarr.codecs import BloscCodec, Crc32cCodec, ZstdCodec

from scanner.evaluate import Evaluator
from scanner.grid import Grid

LZ4, BITS, ZSTD = (("lz4", 5, "shuffle"), ("lz4", 5, "bitshuffle"), ("zstd", 3, "shuffle"))
CODECS = {
    "none": None,
    "zstd-3": [ZstdCodec(level=3)],
    "blosc lz4-5 shuffle": LZ4,
    "the scanner's: lz4-5 shuffle, crc32c": (*LZ4, Crc32cCodec()),
    "blosc lz4-5 bitshuffle": BITS,
    "blosc zstd-3 shuffle": ZSTD,
}
NEAR = 25.0
"""Delta chi2 up to which limits are drawn."""


@dataclass(frozen=True)
class Form:
    """How numbers are stored: there and back."""

    dtype: str
    there: Callable
    back: Callable


def _multiple_of(step):
    return Form("float64", lambda v: (np.round(v / step) * step, 0.0), lambda v, _: v)


FORMS = {
    "float64": Form("float64", lambda v: (v, 0.0), lambda v, _: v),
    "float32, offset": Form(
        "float32",
        lambda v: ((v - v.min()).astype(np.float32), v.min()),
        lambda v, offset: v.astype(np.float64) + offset,
    ),
    "steps of 2^-30": _multiple_of(2.0**-30),
    "steps of 2^-20": _multiple_of(2.0**-20),
}


@pytest.fixture(scope="module")
def chi2(request):
    """chi2 of both experiments in one chunk in the middle of the six-dimensional cube, n = 32."""
    timed = request.config.getoption("benchmark_enable")
    definition = yardstick.cube(32)
    shape = (8, 8, 8, 8, 8, 32) if timed else (2, 2, 2, 8, 8, 32)
    grid = Grid(definition.axes, shape)
    middle = np.ravel_multi_index([n // 2 for n in grid.blocks], grid.blocks)
    return Evaluator(definition).block(grid, grid.chunk(int(middle))).chi2


def array(path, shape, dtype, codec):
    if isinstance(codec, tuple):
        (cname, clevel, shuffle), rest = codec[:3], codec[3:]
        size = np.dtype(dtype).itemsize
        codec = [BloscCodec(cname=cname, clevel=clevel, shuffle=shuffle, typesize=size), *rest]
    return zarr.create_array(
        path, shape=shape, chunks=shape, dtype=dtype, compressors=codec, overwrite=True
    )


def reading(target, form, offset):
    start = time.perf_counter()
    values = form.back(np.asarray(target[...]), offset)
    return values, time.perf_counter() - start


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.usefixtures("one_thread")
def test_one_chunk(benchmark, timing, note, tmp_path, chi2, codec, form):
    made = FORMS[form]
    target = array(tmp_path / "chi2", chi2.shape, made.dtype, CODECS[codec])

    def write():
        values, offset = made.there(chi2)
        target[...] = values
        return offset

    offset = benchmark.pedantic(write, rounds=3, warmup_rounds=1)
    values, seconds = min((reading(target, made, offset) for _ in range(3)), key=lambda r: r[1])
    delta = chi2 - chi2.min()
    error = np.abs(values - values.min() - delta)
    assert error.max() <= (0.0 if form == "float64" else 2.0**-20 + 1e-7 * delta.max())
    if timing:
        stored = sum(p.stat().st_size for p in (tmp_path / "chi2" / "c").rglob("*") if p.is_file())
        written = chi2.nbytes / 1e9 / benchmark.stats.stats.min
        info = {
            "bytes_per_value": stored / chi2.size,
            "write_gb_per_second": written,
            "read_gb_per_second": chi2.nbytes / 1e9 / seconds,
            "error": float(error.max()),
            "error_near": float(error[delta < NEAR].max()),
        }
        benchmark.extra_info |= info
        said = f"written {written:.2f}, read {info['read_gb_per_second']:.2f} GB/s"
        wrong = f", error {info['error_near']:.0e} of Delta chi2" if error.max() else ""
        note(f"chunk, {codec}, {form}", info["bytes_per_value"], "bytes/value", said + wrong)
