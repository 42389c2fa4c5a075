"""The figure of a scan: read, profile, draw, save."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from scanner.definition import ScanDefinition
from scanner.errors import DefinitionError, ScannerError
from scanner.figures import style
from scanner.figures.exclusion import Mark, Piece, Planes, Published, exclusion_figure
from scanner.figures.frame import Note
from scanner.figures.profile import LEVELS, profile_figure
from scanner.figures.save import check_path, save
from scanner.known import (
    combined_title,
    experiment_title,
    known_parameters,
    unusual_choices,
    usual_choices,
)
from scanner.limits.answers import Answers
from scanner.limits.drivers import drivers
from scanner.limits.interval import level_of
from scanner.limits.marks import best_fit, lowest, standard_model_point
from scanner.limits.remarks import UNDERSHOOT
from scanner.limits.spaces import Names
from scanner.limits.surface import Surface
from scanner.overlays import shelf
from scanner.overlays.overlay import Model, Overlay
from scanner.parameter import Constraint
from scanner.store.layout import FIGURE
from scanner.store.provenance import package_version

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Array = npt.NDArray[np.float64]

PACKAGE = "cevns-scanner"
PLANE_LEVELS = (0.9,)


def draw(
    scan: Answers,
    path: Path,
    *,
    keep: Sequence[str] | None = None,
    cl: float | Sequence[float] | None = None,
    dof: int | None = None,
    at: Mapping[str, float] | None = None,
    experiments: Names = None,
    reference: str = "global",
    overlays: Sequence[str] = (),
    overlay_dir: Path | None = None,
    look: str = "journal",
    driven: bool = False,
    bare: bool = False,
) -> Path:
    """Draw a scan into a file: a plane of two axes, or the profile of one.

    Parameters
    ----------
    scan : Answers
        What to draw.
    path : Path
        Ending in .pdf, .png or .svg.
    keep : sequence of str
        One or two axes, x first; by default the first and the last that are not held.
    cl : float or sequence of float, optional
        Confidence levels as fractions; by default 0.9 on a plane, 1 to 3 sigma and 0.9 for one
        axis.
    dof : int, optional
        Degrees of freedom; by default the number of axes drawn.
    at : mapping
        Axes held at a value; the others are profiled.
    reference : str
        What Delta chi2 counts from: ``global``, ``sm`` or ``raster``.
    overlays : sequence of str
        Published limits to draw beneath, see `scanner.overlays.shelf.chosen`.
    overlay_dir : Path, optional
        Folder with further ones.
    look : str
        Style of the figure: ``journal``, ``wide`` (two columns) or ``talk``.
    driven : bool
        Whether the combined line is shaded by the experiment that contributes most to it.
    bare : bool
        Without the title and the line of provenance, for a paper whose caption says both. The
        file's metadata keep the provenance.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    DefinitionError
        An unknown axis, suffix, style or overlay, an overlay of another model, more than two axes,
        a level that makes no sense.
    IncompleteScanError
        Chunks are missing and `scan.partial` is not set.
    StoreError
        The file cannot be written.
    """
    target = check_path(path)
    axes = plane_axes(keep or scan.default_plane(at))
    cls, degrees = levels_and_dof(cl, dof, axes)
    with style.using(look):
        others = _chosen(scan, axes, overlays, overlay_dir)
        subsets = _subsets(scan, experiments)
        curves = {
            label: scan.delta_chi2(axes, at=at, experiments=subset, reference=reference)
            for label, subset in subsets.items()
        }
        stretches = _driven(scan, axes, cls[0], degrees, at, subsets, reference) if driven else ()
        note = _note(scan, list(curves.values()), axes, reference, _others_cited(others), bare)
        made = _figure(scan, curves, axes, cls, degrees, note, others, stretches)
        return save(made, target)


def drawn(scan: Answers, path: Path | None, **how: Any) -> str:
    """`draw` into a file, by default ``figure.png`` beside the cube; returns where it is."""
    if path is not None:
        return str(draw(scan, path, **how))
    with TemporaryDirectory() as place:
        made = draw(scan, Path(place) / FIGURE, **how)
        scan.stored.folder.write(FIGURE, made.read_bytes())
    return scan.stored.beside(FIGURE)


def _driven(
    scan: Answers,
    axes: Sequence[str],
    cl: float,
    dof: int,
    at: Mapping[str, float] | None,
    subsets: Mapping[str, Sequence[str]],
    reference: str,
) -> Sequence[tuple[str, Array]]:
    """Stretches of the combined line by the legend label of their driver."""
    if len(axes) != 2:
        raise DefinitionError(f"keep = {', '.join(axes)}: a line of limits needs two axes")
    combined, *singles = subsets.items()
    found = drivers(scan, axes, cl=cl, dof=dof, at=at, experiments=combined[1], reference=reference)
    labels = {names[0]: label for label, names in singles}
    return [(labels[one.experiment], one.vertices) for one in found.stretches if one.experiment]


def plane_axes(keep: Sequence[str]) -> tuple[str, ...]:
    """The axes of a figure, one or two."""
    if not 1 <= len(keep) <= 2:
        raise DefinitionError(f"keep = {', '.join(keep)}: a figure has one axis or two")
    return tuple(keep)


def levels_and_dof(
    cl: float | Sequence[float] | None, dof: int | None, axes: Sequence[str]
) -> tuple[tuple[float, ...], int]:
    """Confidence levels and degrees of freedom of a figure, those that are not given as usual."""
    degrees = len(axes) if dof is None else dof
    usual: tuple[float, ...] = PLANE_LEVELS if len(axes) == 2 else LEVELS
    given = (float(cl),) if isinstance(cl, float | int) else tuple(cl or ())
    cls = given or usual
    for level in cls:
        level_of(level, degrees)
    return cls, degrees


def overlay_credits(
    scan: Answers,
    keep: Sequence[str] | None = None,
    overlays: Sequence[str] = (),
    overlay_dir: Path | None = None,
) -> list[str]:
    """What the published limits of a figure ask to be cited, each source once."""
    axes = tuple(keep or scan.default_plane())
    sources = [overlay.credit() for overlay, _ in _chosen(scan, axes, overlays, overlay_dir)]
    return list(dict.fromkeys(source for source in sources if source))


def _others_cited(chosen: Iterable[tuple[Overlay, Model]]) -> list[str]:
    """The papers of the published limits, in short."""
    papers = dict.fromkeys(overlay.arxiv for overlay, _ in chosen if overlay.arxiv)
    return [f"limits of others arXiv:{' '.join(papers)}"] if papers else []


def _published(chosen: Iterable[tuple[Overlay, Model]]) -> list[Published]:
    """The overlays in the scan's model."""
    return [
        Published(
            overlay.label,
            [Piece(region.vertices, region.above) for region in overlay.regions_for(model)],
            overlay.kind,
            overlay.shows,
        )
        for overlay, model in chosen
    ]


def _chosen(
    scan: Answers, axes: Sequence[str], names: Sequence[str], folder: Path | None
) -> tuple[tuple[Overlay, Model], ...]:
    if not names:
        if folder is not None:
            raise DefinitionError(f"--overlay-dir {folder}: say which with --overlay NAME or all")
        return ()
    chosen = scan.definition
    units = {axis.name: axis.unit for axis in chosen.axes}
    plane = {name: units.get(name, "") for name in axes}
    known = shelf.of_folder(folder)
    return shelf.chosen(names, known, chosen.scenario, chosen.parameters, plane)


def _subsets(scan: Answers, experiments: Names) -> dict[str, tuple[str, ...]]:
    """Legend label to experiments: the combination first, then each alone.

    Measurements are combined without what is only expected beside them, unless all are profiled
    jointly: the region is excluded, the lines of sensitivities are to come.
    """
    chosen = scan.definition
    names = tuple(experiments or chosen.experiments)
    measured = tuple(name for name in names if name not in chosen.sensitivities)
    together = names if chosen.joint or not measured else measured
    singles = {experiment_title(chosen, name): (name,) for name in names}
    if len(together) == 1:
        first = experiment_title(chosen, together[0])
        return {first: together, **{k: v for k, v in singles.items() if k != first}}
    return {combined_title(chosen, together): together, **singles}


def _note(
    scan: Answers,
    curves: Sequence[Surface],
    axes: Sequence[str],
    reference: str,
    cited: Sequence[str],
    bare: bool,
) -> Note:
    combined = curves[0]
    return Note(
        title=scan.definition.title,
        reference=reference,
        provenance=", ".join([provenance(scan, combined), *cited]),
        computed=combined.computed,
        warnings=_warnings(scan, curves, axes, reference),
        bare=bare,
    )


def _figure(
    scan: Answers,
    curves: Mapping[str, Surface],
    axes: Sequence[str],
    cls: Sequence[float],
    dof: int,
    note: Note,
    published: Sequence[tuple[Overlay, Model]],
    driven: Sequence[tuple[str, Array]] = (),
) -> Figure:
    combined, *singles = curves.items()
    label, surface = combined
    others = {name: single.chi2 for name, single in singles}
    labels = [axis_label(scan, name) for name in axes]
    if len(axes) == 1:
        return profile_figure(
            surface.axes[0],
            surface.chi2,
            combined_label=label,
            singles=others,
            cls=cls,
            dof=dof,
            note=note,
            label=labels[0],
        )
    plane = (surface.axes[0], surface.axes[1])
    marks = [] if note.reference == "raster" else _marks(scan, surface)
    planes = Planes(
        plane,
        surface.chi2,
        label,
        others,
        _published(published),
        marks,
        driven,
        expected=_expected(scan, surface),
    )
    return exclusion_figure(planes, cl=cls, dof=dof, note=note, labels=(labels[0], labels[1]))


def _expected(scan: Answers, surface: Surface) -> bool:
    """Whether nothing of what is combined was measured."""
    return set(surface.experiments) <= set(scan.definition.sensitivities)


def _warnings(
    scan: Answers, curves: Sequence[Surface], axes: Sequence[str], reference: str
) -> tuple[str, ...]:
    """Where a profile falls below the minimum it counts from, or a plane's best fit is an end."""
    if reference != "global":
        return ()
    if len(axes) > 1:
        return ("best fit at the edge",) if _open_ends(scan, curves[0]) else ()
    least = min(float(np.nanmin(curve.chi2, initial=0.0)) for curve in curves)
    return ("grid too coarse for its strips: falls below 0",) if least < -UNDERSHOOT else ()


def _open_ends(scan: Answers, surface: Surface) -> list[str]:
    """Axes at whose end the best fit lies, other than at a bound of the parameter itself."""
    found = lowest(surface, scan.minima, scan.definition.experiments)
    if found is None or _expected(scan, surface):
        return []
    return [
        axis.name
        for axis in surface.axes
        if axis.name in found.on_edge and not _bounded(scan, axis.name, found.at[axis.name])
    ]


def _bounded(scan: Answers, name: str, value: float) -> bool:
    """Whether a value is a bound of the parameter, beyond which there is nothing."""
    try:
        known = known_parameters(scan.definition)[name]
    except (ScannerError, KeyError):  # a scan may outlive the scenario it was made with
        return False
    return value in (known.minimum, known.maximum)


def _marks(scan: Answers, surface: Surface) -> list[Mark]:
    """The best fit and the Standard Model, where they are points of the plane.

    Of expected data the two are one, wherever a flat direction puts the best fit.
    """
    points = {"Standard Model": standard_model_point(surface, scan.definition)}
    if not _expected(scan, surface):
        fitted = best_fit(surface, scan.minima, scan.definition.experiments)
        points = {"best fit": fitted, **points}
    return [Mark(label, (at[0], at[1])) for label, at in points.items() if at]


def axis_label(scan: Answers, name: str) -> str:
    """Symbol and unit of an axis, for a figure."""
    attributes = scan.stored.cube.dataset()[name].attrs
    axis = next(axis for axis in scan.definition.axes if axis.name == name)
    return style.label(attributes.get("latex") or name, axis.unit)


def _chosen_values(chosen: ScanDefinition) -> list[str]:
    """Fixed parameters that are not at their default, and the model."""
    try:
        defaults = {name: p.default for name, p in known_parameters(chosen).items()}
    except DefinitionError:  # a scan may outlive the scenario it was made with
        defaults = {}
    fixed = chosen.parameters.items()
    named = {n: v for n, v in fixed if n == "model" or v != defaults.get(n)}
    return [v if isinstance(v, str) else f"{n} = {v:g}" for n, v in named.items()]


def provenance(scan: Answers, surface: Surface) -> str:
    """Everything that a reader needs to make the figure again, what is unusual first.

    Of the choices that are the defaults only those whose value says what it is.
    """
    chosen = scan.definition
    usual = usual_choices(chosen, surface.experiments).values()
    plain = [value for made in usual for value in made.values() if not value.isalpha()]
    held = [f"{name} = {value:g}" for name, value in surface.fixed.items()]
    inputs = [f"{name} = {Constraint.of_record(c)} profiled" for name, c in chosen.profile.items()]
    profiled = [f"profiled over {', '.join(surface.profiled)}"] if surface.profiled else []
    parts = [
        f"scan {scan.id}",
        *unusual_choices(chosen, surface.experiments),
        *_chosen_values(chosen),
        *chosen.options.values(),
        *held,
        *profiled,
        *inputs,
        *plain,
        f"{PACKAGE} {package_version(PACKAGE)}",
    ]
    return ", ".join(parts)
