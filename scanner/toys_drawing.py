"""The figure of Feldman-Cousins limits beside those of Wilks' theorem."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from scanner.drawing import axis_label, provenance
from scanner.figures.exclusion import exclusion_figure
from scanner.figures.frame import Note
from scanner.figures.planes import Mark, Planes
from scanner.figures.profile import profile_figure
from scanner.figures.save import check_path, save
from scanner.limits.answers import Answers
from scanner.limits.feldman_cousins import FeldmanCousins

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_toys(scan: Answers, found: FeldmanCousins, path: Path) -> Path:
    """Draw both contours of two tested parameters, or Delta chi2 and critical value of one.

    Parameters
    ----------
    scan : Answers
        The scan that was tested.
    found : FeldmanCousins
        What the toys gave.
    path : Path
        Ending in .pdf, .png or .svg.

    Raises
    ------
    DefinitionError
        An unknown suffix.
    StoreError
        The file cannot be written.
    """
    target = check_path(path)
    return save(_plane(scan, found) if len(found.axes) == 2 else _line(scan, found), target)


def _plane(scan: Answers, found: FeldmanCousins) -> Figure:
    axes, delta, adjusted = found.finer
    first, second = (axis.name for axis in axes)
    marks = [Mark("best fit", (found.at[first], found.at[second]))]
    return exclusion_figure(
        Planes(axes, adjusted, "Feldman-Cousins", {"Wilks": delta}, marks=marks),
        cl=found.effort.cl,
        dof=found.dof,
        note=_note(scan, found),
        labels=(axis_label(scan, first), axis_label(scan, second)),
    )


def _line(scan: Answers, found: FeldmanCousins) -> Figure:
    [axis] = found.axes
    return profile_figure(
        axis,
        found.delta_chi2,
        combined_label=r"$\Delta\chi^2$",
        singles={"critical value (Feldman-Cousins)": found.critical},
        cls=[found.effort.cl],
        dof=found.dof,
        note=_note(scan, found),
        label=axis_label(scan, axis.name),
    )


def _note(scan: Answers, found: FeldmanCousins) -> Note:
    question = found.campaign.question
    surface = scan.profile(
        [axis.name for axis in found.axes], at=question.at, experiments=question.chosen
    )
    toys = f"{found.n_toys} toys at {len(found.tested)} points"
    return Note(
        title=scan.definition.title,
        reference="held" if question.at else "global",
        provenance=f"{provenance(scan, surface)}, {toys}",
    )
