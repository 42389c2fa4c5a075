"""Source text of the Poisson kernel: one pass over the bins per Newton step, unrolled over pulls.

The text is made for one structure of pulls and one degree of the lines. In a pass, the prediction,
its derivatives, and all sums of gradient and curvature are made bin by bin and never leave the
registers; the compiler turns the loop over bins into vector instructions. (A minimum over bins
would keep it from that: whether all predictions are positive is asked by a sum.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from scanner.statistics.poisson_start import HEADER

IN_REGISTERS = 28
"""Sums that one loop may keep; more of them are made by further loops over stored factors."""
FULL_STEP = 0.25
"""Squared decrement below which a full step is taken: it stays where predictions are positive."""
ASK_AGAIN = 8
"""Points after which neighbours that were no help are asked again."""
GOOD_GUESS = 1.0
"""Squared decrement at the guess from neighbours above which least squares start nearer."""
MAX_PASSES = 40
"""Newton steps from one start before a point is given up."""
LOG_TERMS = 9
"""Terms of log m = 2 (a + a^3/3 + ...), a = (m - 1)/(m + 1), |a| < 0.172: good to 1e-16."""
ROUNDING = 2.2e-15
"""Error of chi2 per count of the terms that cancel in the signal: ten roundings."""
LOST = 1e-10
"""Error of chi2, relative to chi2 or 1, above which a point is done the plain way."""


@dataclass(frozen=True)
class Structure:
    """What the text depends on.

    Parameters
    ----------
    normalisation : tuple of bool
        Whether each pull changes the signal alike in all bins.
    shape : tuple of bool
        Whether it changes the signal otherwise.
    background : tuple of bool
        Whether it changes a background.
    direct : bool
        Whether a share of the signal is carried by no pull.
    degree : int
        Of the counts along a line.
    """

    normalisation: tuple[bool, ...]
    shape: tuple[bool, ...]
    background: tuple[bool, ...]
    direct: bool
    degree: int

    @property
    def n(self) -> int:
        """Number of pulls."""
        return len(self.background)

    @property
    def signal(self) -> tuple[int, ...]:
        """Pulls that change the signal."""
        return tuple(j for j in range(self.n) if self.normalisation[j] or self.shape[j])

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Entries (j, k <= j) of the curvature."""
        return [(j, k) for j in range(self.n) for k in range(j + 1)]


def kernel_source(structure: Structure) -> str:
    """Text of a module with the function ``scan``; its arguments are `ARGUMENTS`."""
    return HEADER + "\n".join(_scan(structure)) + "\n"


ARGUMENTS = {
    "templates": "float64[:,:,::1]",  # (n_shapes, n_terms, n_bins + n_sums), terms by powers of z
    "sizes": "float64[:,::1]",  # (n_shapes, n_terms): sums of their absolute counts
    "outer": "float64[:,::1]",  # (n_lines, n_terms)
    "ends": "int64[::1]",  # (degree + 1,): first term of a higher power
    "z": "float64[::1]",  # (n_points,)
    "n": "float64[::1]",  # (n_bins,): observed; bins without events come last
    "offset": "float64[::1]",  # (n_bins,): prediction at y = 0 without a signal
    "expected": "float64[::1]",  # (n_bins,): the same at nominal pulls
    "D": "float64[:,::1]",  # (n_pulls, n_bins): response of the signal, relative
    "R": "float64[:,::1]",  # (n_pulls, n_bins): of the backgrounds, counts
    "n_seen": "int64",  # bins with events
    "background_sums": "float64[::1]",  # (n_pulls,): R summed over bins
    "centre": "float64[::1]",  # (n_pulls,): nominal y
    "constant": "float64",  # sum over bins of offset + n ln n - n
    "weights": "float64[::1]",  # (n_bins,): of the least-squares fit
    "direct": "float64",  # 1 where the signal is there at y = 0, else 0
    "enough": "float64",  # squared Newton decrement before the last step
    "chi2": "float64[:,:,::1]",  # (n_shapes, n_lines, n_points), written
    "hard": "uint8[:,:,::1]",  # the same: 1 where the kernel gives up
}


def _scan(s: Structure) -> Iterator[str]:
    signature = f"void({', '.join(ARGUMENTS.values())})"
    yield f'@njit("{signature}", fastmath=FAST, error_model="numpy", cache=True)'
    yield f"def scan({', '.join(ARGUMENTS)}):"
    yield from _indent(1, _constants(s))
    yield "    for shape in range(len(templates)):"
    yield "        for row in range(len(outer)):"
    yield from _indent(3, _line(s))


def _constants(s: Structure) -> Iterator[str]:
    yield "n_bins = len(offset)"
    yield f"size = np.empty({s.degree + 1})"
    yield f"line = np.empty(({s.degree + 1}, templates.shape[2]))"
    yield f"start = np.empty({s.n})"
    yield f"before, base = np.zeros((len(z), {s.n})), np.zeros((len(z), {s.n}))"
    yield "ready, misses = False, 0"
    for d in range(s.degree + 1):
        yield f"L{d} = line[{d}]"
    for j in range(s.n):
        yield f"c{j} = centre[{j}]"
        if s.normalisation[j]:
            yield f"D{j} = D[{j}, 0]"
        elif s.shape[j]:
            yield f"D{j} = D[{j}]"
        if s.background[j]:
            yield f"R{j} = R[{j}]"
    if _stores(s):
        yield "v_at = np.empty(n_seen)"
        for j in s.signal:
            yield f"J{j} = np.empty(n_seen)"


def _line(s: Structure) -> Iterator[str]:
    yield "term = 0"
    yield f"for d in range({s.degree + 1}):"
    yield "    line[d] = 0.0"
    yield "    size[d] = 0.0"
    yield "    while term < ends[d]:"
    yield "        factor = outer[row, term]"
    yield "        size[d] += abs(factor) * sizes[shape, term]"
    yield "        for b in range(templates.shape[2]):"
    yield "            line[d, b] += factor * templates[shape, term, b]"
    yield "        term += 1"
    yield "known = 0"
    for age in (1, 2, 3):
        yield _each(s, f"d{age}_{{j}} = 0.0")
    yield "for i in range(len(z)):"
    yield from _indent(1, _point(s))
    yield "ready = True"


def _point(s: Structure) -> Iterator[str]:
    yield "x = z[i]"
    yield from _sums(s)
    yield "done = False"
    yield "for attempt in range(3):"
    yield "    if attempt == 0:"
    # points in no order have no use for their neighbours: ask now and then
    yield f"        if misses > 1 and i % {ASK_AGAIN}:"
    yield "            continue"
    # the fit of this point on the line before, plus the extrapolated change between the two lines
    yield "        if known >= 3:"
    yield _indented(3, _each(s, "y{j} = base[i, {j}] + 3.0 * (d1_{j} - d2_{j}) + d3_{j}"))
    yield "        elif known == 2:"
    yield _indented(3, _each(s, "y{j} = base[i, {j}] + 2.0 * d1_{j} - d2_{j}"))
    yield "        elif known == 1 or ready:"
    yield _indented(3, _each(s, "y{j} = base[i, {j}] + d1_{j}"))
    yield "        else:"
    yield "            continue"
    yield "    elif attempt == 1:"
    yield from _indent(2, _least_squares(s))
    yield "    else:"
    yield "        least_squares(line, x, n, offset, direct, weights, D, R, centre, start)"
    yield _indented(2, _each(s, "y{j} = start[{j}]"))
    yield f"    for step in range({MAX_PASSES}):"
    yield from _indent(2, _newton(s))
    yield "    if done:"
    yield "        break"
    yield "    misses += 1"
    yield "if done and attempt == 0:"
    yield "    misses = 0"
    yield "if done:"
    yield from _indent(1, _finish(s))
    yield "if done:"
    for age in (3, 2):
        yield _indented(1, _each(s, f"d{age}_{{j}} = d{age - 1}_{{j}}"))
    yield _indented(1, _each(s, "d1_{j} = y{j} - base[i, {j}]"))
    yield _indented(1, _each(s, "base[i, {j}] = 2.0 * y{j} - before[i, {j}] if ready else y{j}"))
    yield _indented(1, _each(s, "before[i, {j}] = y{j}"))
    yield "    known += 1"
    yield "else:"
    yield "    hard[shape, row, i] = 1"
    yield "    known = 0"
    yield _indented(1, _each(s, "d1_{j} = 0.0"))


def _sums(s: Structure) -> Iterator[str]:
    """Sums over all bins of the derivatives of the prediction, and of the signal."""
    for row, j in enumerate(s.signal):
        yield f"s{j} = background_sums[{j}] + " + _horner(s, f"n_bins + {row}")
    for j in range(s.n):
        if j not in s.signal:
            yield f"s{j} = background_sums[{j}]"
    if s.direct:
        yield "total = " + _horner(s, f"n_bins + {len(s.signal)}")


def _least_squares(s: Structure) -> Iterator[str]:
    """The fit with fixed weights, as a start: mostly positive, and then no step too far."""
    yield from _pass(s, fixed=True)
    yield _each(s, "g{j} += c{j}")
    yield from _cholesky(s)
    yield _each(s, "y{j} = t{j}")


def _newton(s: Structure) -> Iterator[str]:
    yield from _pass(s)
    yield "if not low == 0.0:"
    yield "    break"
    for j in range(s.n):
        yield f"g{j} = s{j} - g{j} + y{j} - c{j}"
    yield from _cholesky(s)
    # a guess from the neighbours that is no good is not worth mending
    yield f"if attempt == 0 and not decrement < {GOOD_GUESS}:"
    yield "    break"
    yield f"if not decrement < {FULL_STEP}:"
    yield "    length = 1.0 / (1.0 + np.sqrt(decrement))"
    yield _indented(1, _each(s, "y{j} -= length * t{j}"))
    yield "    continue"
    yield _each(s, "y{j} -= t{j}")
    yield "if decrement < enough:"
    yield "    done = True"
    yield "    break"


def _pass(s: Structure, *, fixed: bool = False) -> Iterator[str]:
    """The loop over bins: sums of gradient and curvature at y, or of a fit with fixed weights."""
    yield "low = 0.0"
    yield _each(s, "g{j} = 0.0")
    sums = iter([] if _stores(s) else s.pairs)
    if not _stores(s):
        yield "; ".join(f"h{j}_{k} = 0.0" for j, k in s.pairs)
    yield "for b in range(n_seen):"
    yield "    s = " + _horner(s, "b")
    for j in range(s.n):
        yield f"    j{j} = {_derivative(s, j)}"
    if fixed:
        yield "    v = weights[b]"
        yield f"    w = v * (n[b] - offset[b]{' - s' if s.direct else ''})"
    else:
        yield "    mu = " + _prediction(s)
        yield "    low += 0.0 if mu > 0.0 else 1.0"
        yield "    inverse = 1.0 / mu"
        yield "    w = n[b] * inverse"
        yield "    v = w * inverse"
    for j in range(s.n):
        yield f"    g{j} += w * j{j}"
    if _stores(s):
        yield "    v_at[b] = v"
        for j in s.signal:
            yield f"    J{j}[b] = j{j}"
        yield from _curvature_loops(s)
    for j, k in sums:
        if k == 0:
            yield f"    v{j} = v * j{j}"
        yield f"    h{j}_{k} += v{j} * j{k}"


def _curvature_loops(s: Structure) -> Iterator[str]:
    """The sums of the curvature a few at a time, from stored factors."""
    pairs = iter(s.pairs)
    while some := list(islice(pairs, IN_REGISTERS - s.n)):
        used = sorted({k for pair in some for k in pair})
        yield "; ".join(f"h{j}_{k} = 0.0" for j, k in some)
        yield "for b in range(n_seen):"
        yield "    v = v_at[b]"
        for j in used:
            yield f"    j{j} = {'J' if j in s.signal else 'R'}{j}[b]"
        for j in dict.fromkeys(j for j, _ in some):
            yield f"    v{j} = v * j{j}"
        for j, k in some:
            yield f"    h{j}_{k} += v{j} * j{k}"


def _cholesky(s: Structure) -> Iterator[str]:
    """Newton step t and squared decrement from gradient g and curvature h."""
    for j in range(s.n):
        for k in range(j):
            dot = "".join(f" - l{j}_{m} * l{k}_{m}" for m in range(k))
            yield f"l{j}_{k} = (h{j}_{k}{dot}) * i{k}"
        dot = "".join(f" - l{j}_{m} * l{j}_{m}" for m in range(j))
        yield f"i{j} = 1.0 / np.sqrt(h{j}_{j} + 1.0{dot})"
        dot = "".join(f" - l{j}_{m} * u{m}" for m in range(j))
        yield f"u{j} = (g{j}{dot}) * i{j}"
    yield f"decrement = {' + '.join(f'u{j} * u{j}' for j in range(s.n)) or 0.0}"
    for j in reversed(range(s.n)):
        dot = "".join(f" - l{m}_{j} * t{m}" for m in range(j + 1, s.n))
        yield f"t{j} = (u{j}{dot}) * i{j}"


def _finish(s: Structure) -> Iterator[str]:
    """chi2 after the last step, and whether its bins allow it."""
    yield "logs = 0.0"
    yield "low = 0.0"
    yield "for b in range(n_bins):"
    yield "    s = " + _horner(s, "b")
    for j in range(s.n):
        yield f"    j{j} = {_derivative(s, j)}"
    yield "    mu = " + _prediction(s)
    yield "    nominal = expected[b] + s"
    yield "    low += 0.0 if min(mu, nominal) > 0.0 else 1.0"
    yield "    bits = as_bits(mu)"
    # the power of two that leaves a factor m between sqrt(1/2) and sqrt(2)
    yield "    exponent = (bits - 0x3FE6A09E667F3BCD) >> 52"
    yield "    m = as_float(bits - (exponent << 52))"
    yield "    a = (m - 1.0) / (m + 1.0)"
    yield "    square = a * a"
    series = [2.0 / (2 * k + 1) for k in range(LOG_TERMS)]
    yield "    log = exponent * 0.6931471805599453 + a * " + _nested(map(repr, series), "square")
    yield "    logs += n[b] * log"
    value = "".join(f" + y{j} * s{j}" for j in range(s.n))
    yield f"value = constant{' + total' if s.direct else ''}{value} - logs"
    prior = "".join(f" + (y{j} - c{j}) ** 2" for j in range(s.n))
    yield f"found = 2.0 * value{prior}"
    size = _nested([f"size[{d}]" for d in range(s.degree + 1)], "abs(x)")
    yield f"lost = {ROUNDING!r} * {size}"
    yield f"done = low == 0.0 and abs(found) < np.inf and lost < {LOST!r} * max(found, 1.0)"
    yield "chi2[shape, row, i] = found"


def _stores(s: Structure) -> bool:
    """Whether there are too many sums for one loop."""
    return s.n + len(s.pairs) + 1 > IN_REGISTERS


def _derivative(s: Structure, j: int) -> str:
    """d mu / d y_j in bin b."""
    signal = f"D{j} * s" if s.normalisation[j] else f"D{j}[b] * s" if s.shape[j] else ""
    background = f"R{j}[b]" if s.background[j] else ""
    return " + ".join(part for part in (signal, background) if part) or "0.0"


def _prediction(s: Structure) -> str:
    pulls = "".join(f" + y{j} * j{j}" for j in range(s.n))
    return f"offset[b]{' + s' if s.direct else ''}{pulls}"


def _horner(s: Structure, index: str) -> str:
    """Polynomial of the line at x, in bin `index`."""
    return _nested([f"L{d}[{index}]" for d in range(s.degree + 1)], "x")


def _nested(coefficients: Iterable[str], x: str) -> str:
    text = ""
    for coefficient in reversed(list(coefficients)):
        text = f"({text} * {x} + {coefficient})" if text else coefficient
    return text


def _each(s: Structure, statement: str) -> str:
    return "; ".join(statement.format(j=j) for j in range(s.n)) or "pass"


def _indented(depth: int, line: str) -> str:
    return "    " * depth + line


def _indent(depth: int, lines: Iterable[str]) -> Iterator[str]:
    return (_indented(depth, line) for line in lines)
