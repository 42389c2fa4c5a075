"""Origin: what every exported file says about the scan that it is from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from scanner.limits.answers import Answers
from scanner.store.provenance import PACKAGE


@dataclass(frozen=True)
class Origin:
    """The scan, its physics and who is to be cited.

    Parameters
    ----------
    scan, digest : str
        Identity of the scan and of its resolved physics.
    name, title, scenario : str
        Labels, and the scenario's catalogue name.
    parameters, options, experiment, profile : mapping
        Fixed values, conventions, choices of the experiments, constraints: as in a definition.
    engine_version : int
        Version of the machine that the numbers are from.
    software : str
        Package and version that made the cube.
    created : str
        When the cube was made (UTC).
    references : tuple of str
        What a result cites.
    """

    scan: str
    digest: str
    name: str
    title: str
    scenario: str
    parameters: Mapping[str, float | str]
    options: Mapping[str, str]
    experiment: Mapping[str, Mapping[str, str]]
    profile: Mapping[str, Mapping[str, float]]
    engine_version: int
    software: str
    created: str
    references: tuple[str, ...]

    @classmethod
    def of(cls, scan: Answers) -> Origin:
        """Origin of what is asked of a stored scan."""
        chosen, stored = scan.definition, scan.stored.cube.attributes
        versions = stored.get("versions", {})
        return cls(
            scan=scan.id,
            digest=scan.stored.digest,
            name=chosen.name,
            title=chosen.title,
            scenario=chosen.scenario,
            parameters=dict(chosen.parameters),
            options=dict(chosen.options),
            experiment={name: dict(made) for name, made in chosen.experiment_options.items()},
            profile={name: dict(values) for name, values in chosen.profile.items()},
            engine_version=chosen.engine_version,
            software=f"{PACKAGE} {versions.get(PACKAGE, '')}".strip(),
            created=str(stored.get("created", "")),
            references=tuple(stored.get("references", ())),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain tables, lists, numbers and strings."""
        return {**asdict(self), "references": list(self.references)}

    def identity(self) -> dict[str, str]:
        """Scan and digest: what a verb's JSON begins with."""
        return {"scan": self.scan, "digest": self.digest}

    def rest(self) -> dict[str, Any]:
        """Everything but the identity."""
        return {k: v for k, v in self.to_dict().items() if k not in self.identity()}
