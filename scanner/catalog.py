"""Finds scenarios, experiments and ready-made definitions by name, at run time.

A scenario is a file ``scenarios/<name>.py`` with a ``SCENARIO``, an experiment a file
``scanner/experiments/<name>.py`` with ``CHOICES`` and ``load(**choices)``, or a text
``scanner/experiments/<name>.toml`` (`scanner.described`). Packages elsewhere join through the entry
point groups ``cevns_scanner.scenarios`` and ``cevns_scanner.experiments``.

What a definition says of an experiment are its settings: the choices of a module, or the whole of a
text, so that a stored scan needs no file of it.
"""

from __future__ import annotations

import importlib
import itertools
import pkgutil
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from scanner import described, docstrings, sources
from scanner.compose import compose
from scanner.errors import CatalogError, DefinitionError, raised_at, unknown
from scanner.experiment import Experiment
from scanner.scenario import Scenario


@dataclass(frozen=True)
class _Shelf:
    """One kind of catalogued module: our own folder and the entry points of other packages."""

    kind: str
    package: str
    group: str

    def own(self) -> set[str]:
        """Names of the files in our folder; a leading underscore hides one."""
        found = pkgutil.iter_modules(importlib.import_module(self.package).__path__)
        return {m.name for m in found if not m.ispkg and not m.name.startswith("_")}

    def names(self) -> tuple[str, ...]:
        """All names, sorted."""
        return tuple(sorted(self.own() | set(_offers(self.group).names)))

    def locate(self, name: str) -> tuple[ModuleType, str]:
        """Module of that name, and the attribute its entry point names (may be empty)."""
        offers = list(_offers(self.group).select(name=name))
        own = [f"{self.package}.{name}"] if name in self.own() else []
        values = own + [offer.value for offer in offers]
        if not values:
            raise CatalogError(unknown(self.kind, name, self.names()))
        if len(set(values)) > 1:
            raise CatalogError(
                f"{self.kind} {name!r} is offered twice, by {' and by '.join(values)}: "
                "rename one of them or uninstall its package"
            )
        label = f"{self.kind} {name!r}"
        if own:
            return _import(own[0], label), ""
        return _import_offer(offers[0], label)


def _offers(group: str) -> EntryPoints:
    return _on_path(group, tuple(sys.path))


@lru_cache(maxsize=8)
def _on_path(group: str, _path: tuple[str, ...]) -> EntryPoints:
    """Entry points of the packages on a path: reading their files takes 5 ms."""
    return entry_points(group=group)


_SCENARIOS = _Shelf("scenario", "scenarios", "cevns_scanner.scenarios")
_EXPERIMENTS = _Shelf("experiment", "scanner.experiments", "cevns_scanner.experiments")


def _import(module: str, label: str) -> ModuleType:
    try:
        loaded = importlib.import_module(module)
    except ModuleNotFoundError as error:
        # the module itself, or a package above it, rather than something that it imports
        if error.name and (module == error.name or module.startswith(f"{error.name}.")):
            raise CatalogError(
                f"{label}: there is no module {module!r}; run where it lies, or install it"
            ) from error
        raise CatalogError(_import_failure(module, label, error)) from error
    except (Exception, SystemExit) as error:
        raise CatalogError(_import_failure(module, label, error)) from error
    if getattr(loaded, "__file__", None):
        sources.remember(loaded)
    return loaded


def _import_offer(offer: EntryPoint, label: str) -> tuple[ModuleType, str]:
    return _import(offer.module, label), offer.attr or ""


def _import_failure(module: str, label: str, error: BaseException) -> str:
    said = " ".join(str(error).split())
    place = raised_at(error)
    return (
        f"{label}: importing {module!r} failed: {type(error).__name__}: {said}"
        f"{f' ({place})' if place else ''}; mend the module"
    )


def scenario_names() -> tuple[str, ...]:
    """Names of the catalogued scenarios, sorted."""
    return _SCENARIOS.names()


JOIN = "+"
"""Between the names of scenarios that are composed."""


def scenario(name: str, *, allow_plugins: bool = True) -> Scenario:
    """Scenario of that name, the plug-in ``module:NAME``, or several of them joined by ``+``.

    Parameters
    ----------
    name : str
        Catalogue name, or ``module:NAME`` where the module can be imported or lies in the
        current directory.
    allow_plugins : bool
        Whether ``module:NAME`` is accepted. It runs any importable code: local use only.

    Raises
    ------
    CatalogError
        There is none of that name, it cannot be imported, or it is not a Scenario.
    DefinitionError
        The joined scenarios cannot be composed.
    """
    parts = parts_of(name)
    if len(parts) == 1:
        return _one_scenario(name, allow_plugins)
    if len(set(parts)) < len(parts):
        raise DefinitionError(f"scenario {name!r}: name each scenario once")
    forms = [_one_scenario(part, allow_plugins) for part in parts]
    named = dict(zip(map(_short, parts), forms, strict=True))
    if len(named) < len(parts) or any(a is b for a, b in itertools.combinations(forms, 2)):
        raise DefinitionError(
            f"scenario {name!r}: two of them are the same or have like names; name each once, or "
            "rename a plug-in's module"
        )
    return compose(named)


def scenario_about(name: str) -> list[str]:
    """Paragraphs of what the modules of a scenario say of themselves, those of a joined one each.

    >>> scenario_about("standard_model")
    ['The Standard Model: nothing is added to the weak charge.']
    """
    modules = [_locate_scenario(part, allow_plugins=True)[0] for part in parts_of(name)]
    return [said for module in modules for said in docstrings.paragraphs(module.__doc__)]


def _short(part: str) -> str:
    """Name of a scenario inside a composed one: letters, digits and underscores.

    >>> _short("nsi"), _short("my.models:HEAVY"), _short("my.models:SCENARIO")
    ('nsi', 'my_models_HEAVY', 'my_models')
    """
    module, _, attribute = part.partition(":")
    named = [] if attribute in ("", "SCENARIO") else [attribute]
    return "_".join([*module.split("."), *named])


def parts_of(name: str) -> tuple[str, ...]:
    """Names of the scenarios that a name joins.

    >>> parts_of("nsi+light_vector")
    ('nsi', 'light_vector')
    """
    return tuple(part.strip() for part in name.split(JOIN))


def _one_scenario(name: str, allow_plugins: bool) -> Scenario:
    module, attribute = _locate_scenario(name, allow_plugins)
    found = getattr(module, attribute, None)
    if not isinstance(found, Scenario):
        what = f"is a {type(found).__name__}" if hasattr(module, attribute) else "does not exist"
        raise CatalogError(
            f"scenario {name!r}: {attribute} of module {module.__name__!r} {what}; "
            f"define {attribute} = Scenario(...) there"
        )
    return found


def _locate_scenario(name: str, allow_plugins: bool) -> tuple[ModuleType, str]:
    if ":" not in name:
        stem = name.removesuffix(".py")
        if allow_plugins and stem not in scenario_names() and Path(f"{stem}.py").is_file():
            raise CatalogError(
                f"scenario {name!r} is not in the catalogue, but {stem}.py lies here: "
                f"write {stem}:SCENARIO"
            )
        module, attribute = _SCENARIOS.locate(name)
        return module, attribute or "SCENARIO"
    if not allow_plugins:
        raise CatalogError(
            f"scenario {name!r} is a plug-in module, refused here; "
            f"use a catalogued one: {', '.join(scenario_names())}"
        )
    module_name, _, attribute = name.partition(":")
    if module_name.endswith(".py"):
        raise CatalogError(f"scenario {name!r}: write the module without '.py'")
    if not all(part.isidentifier() for part in (*module_name.split("."), attribute)):
        raise CatalogError(f"scenario {name!r} is not of the form module:NAME")
    if sources.is_unasked(name):
        raise CatalogError(
            f"scenario {name!r} is code that only the store names: look at it, then ask by the "
            f"file of the definition, or set {sources.PLUGINS_VARIABLE}={name} in the environment"
        )
    _make_current_directory_importable()
    return _import(module_name, f"scenario {name!r}"), attribute


def _make_current_directory_importable() -> None:
    # at the end, so that a file beside the plug-in never hides an installed module
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
        importlib.invalidate_caches()


USUAL_EXPERIMENTS = ("coherent_csi_2021", "coherent_lar_2020")
"""Those of a point that names none; not all can be combined."""


def experiment_names() -> tuple[str, ...]:
    """Names of the catalogued experiments, sorted."""
    return tuple(sorted({*_EXPERIMENTS.names(), *text_names()}))


def text_names() -> tuple[str, ...]:
    """Names of the catalogued experiments that are texts, sorted."""
    return tuple(sorted(_texts()))


def _texts() -> dict[str, Path]:
    package = importlib.import_module(_EXPERIMENTS.package)
    folder = Path(next(iter(package.__path__)))
    return {path.stem: path for path in folder.glob(f"*{described.SUFFIX}")}


def experiment_text(name: str) -> Path:
    """File of a catalogued experiment that is a text; CatalogError if there is none."""
    texts = _texts()
    if name not in texts:
        raise CatalogError(unknown("experiment as text", name, texts))
    return texts[name]


def experiment_module(name: str) -> ModuleType:
    """Module of an experiment; CatalogError if there is none of that name."""
    if name in text_names():
        raise CatalogError(f"experiment {name!r} is a text ({experiment_text(name)}), no module")
    return _EXPERIMENTS.locate(name)[0]


def experiment_choices(name: str) -> Mapping[str, tuple[str, ...]]:
    """An experiment's own choices and their values, the default first; a text has none."""
    if name in text_names():
        return {}
    module, _ = _EXPERIMENTS.locate(name)
    choices = getattr(module, "CHOICES", None)
    if not isinstance(choices, Mapping) or not callable(getattr(module, "load", None)):
        raise CatalogError(
            f"experiment {name!r}: module {module.__name__!r} must offer "
            "CHOICES (a mapping from choice to its values) and load(**choices)"
        )
    return choices


def experiment_overlaps(name: str) -> tuple[str, ...]:
    """Experiments that hold (part of) the same data: the module's ``OVERLAPS``, empty if absent."""
    if name not in _EXPERIMENTS.names():
        return ()
    module, _ = _EXPERIMENTS.locate(name)
    return tuple(getattr(module, "OVERLAPS", ()))


def experiment_remarks(name: str) -> tuple[str, ...]:
    """What its choices mean for a combination: the module's ``REMARKS``, empty if absent."""
    if name not in _EXPERIMENTS.names():
        return ()
    module, _ = _EXPERIMENTS.locate(name)
    return tuple(getattr(module, "REMARKS", ()))


def experiment_about(name: str) -> list[str]:
    """Paragraphs of what an experiment's module says of itself; none of a text."""
    if name not in _EXPERIMENTS.names():
        return []
    return docstrings.paragraphs(_EXPERIMENTS.locate(name)[0].__doc__)


def experiment_about_choices(name: str) -> dict[str, str]:
    """What each choice means: the section "Parameters" of the module's ``load``."""
    if name not in _EXPERIMENTS.names():
        return {}
    module, _ = _EXPERIMENTS.locate(name)
    told = docstrings.parameters(getattr(module.load, "__doc__", None))
    return {choice: told[choice] for choice in experiment_choices(name) if choice in told}


def resolve_choices(name: str, choices: Mapping[str, object]) -> dict[str, str]:
    """All choices of an experiment: the given ones, else the defaults.

    Raises
    ------
    DefinitionError
        Names ``experiment.<name>.<choice>``, the value and the known ones.
    """
    known = experiment_choices(name)
    for key, value in choices.items():
        where = f"experiment.{name}.{key}"
        if key not in known:
            raise DefinitionError(f"{where}: {unknown('choice', key, known)}")
        if str(value) not in known[key]:  # a year may be written without quotes
            raise DefinitionError(f"{where}: {unknown(key, str(value), known[key])}")
    return {key: str(choices.get(key, values[0])) for key, values in known.items()}


def experiment(name: str, settings: Mapping[str, Any] | None = None) -> Experiment:
    """Experiment of that name, or the one that the settings describe.

    Parameters
    ----------
    settings : mapping, optional
        Choices (the others at their default), or the tables of a text.

    Raises
    ------
    CatalogError
        There is none of that name, or its module is not an experiment.
    DefinitionError
        Unknown choice or value, a mistake in a text.
    DataError
        A table is missing or damaged.
    """
    if settings and described.is_description(settings):
        return described.experiment(name, settings, f"experiment.{name}")
    if name in text_names():
        path = experiment_text(name)
        return described.experiment(name, described.read(path), str(path))
    resolved = resolve_choices(name, settings or {})
    module, _ = _EXPERIMENTS.locate(name)
    loaded = module.load(**resolved)
    if not isinstance(loaded, Experiment):
        raise CatalogError(
            f"experiment {name!r}: load() of module {module.__name__!r} "
            f"returned a {type(loaded).__name__}; return an Experiment"
        )
    return loaded


def _scans() -> Path:
    return Path(next(iter(importlib.import_module("scenarios").__path__))) / "scans"


def definition_names() -> tuple[str, ...]:
    """Names of the ready-made scan definitions, sorted."""
    return tuple(sorted(path.stem for path in _scans().glob("*.toml")))


def definition_path(name: str) -> Path:
    """File of the ready-made scan definition of that name."""
    if name not in definition_names():
        raise CatalogError(unknown("definition", name, definition_names()))
    return _scans() / f"{name}.toml"


def source_hashes(scenario: str, experiments: Iterable[str]) -> dict[str, str]:
    """What the numbers depend on besides the engine, as sha256 hex digests.

    ``scenario`` is the scenario's source, with the modules beside it that it imports;
    ``experiment.<name>`` the experiment's, and all of its tables with their names.

    Raises
    ------
    MismatchError
        A source changed after this process loaded it.
    """
    parts = [_locate_scenario(part, allow_plugins=True)[0] for part in parts_of(scenario)]
    digests = [sources.digest(module) for module in parts]
    hashes = {"scenario": digests[0] if len(digests) == 1 else sources.joined(digests)}
    for name in experiments:
        module = experiment_module(name)
        folder = sources.source_files(module)[0].parent
        hashes[f"experiment.{name}"] = sources.digest(module, folder / "data" / name)
    return hashes
