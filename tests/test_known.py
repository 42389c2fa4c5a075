"""What is known about a definition's parameters: roles, derived quantities, which do nothing."""

from __future__ import annotations

import pytest

from scanner import known
from scanner.definition import from_mapping

CSI, LAR = "coherent_csi_2021", "coherent_lar_2020"


def definition(scenario, experiments, axes, **tables):
    written = {
        name: {"spacing": "linear", "start": start, "stop": stop, "n": 3}
        | ({"unit": u} if u else {})
        for name, (start, stop, u) in axes.items()
    }
    raw = {"title": "t", "scenario": scenario, "experiments": experiments, "axes": written}
    return from_mapping({**raw, **tables}, "test")


def test_parameters_of_scenario_and_experiments():
    made = definition("nsi", [CSI], {"eps_ee_u": (-1.0, 1.0, "")})
    names = list(known.known_parameters(made))
    assert names[0] == "eps_ee_u"
    assert {"sin2_theta_w", "R_n_I", "csi_quenching_pc1"} <= set(names)
    assert "R_n_Ar" not in names
    assert [e.name for e in known.loaded_experiments(made)] == [CSI]


def test_choices_of_an_experiment_are_loaded():
    option = {CSI: {"electron_scattering": "signal"}}
    made = definition("nsi", [CSI], {"eps_ee_u": (-1.0, 1.0, "")}, experiment=option)
    assert known.loaded_experiments(made)[0].electrons is not None


def test_skins_of_the_targets_alone():
    axes = {"R_n_Cs": (4.5, 5.5, "fm"), "R_n_Ar": (3.0, 4.0, "fm")}
    radius = {"R_n_I": {"value": 5.0, "unit": "fm"}}
    made = definition("neutron_radius", [CSI, LAR], axes, parameters=radius)
    skins = [d.name for d in known.derived(made)]
    assert set(skins) == {"skin_Cs", "skin_I", "skin_Ar"}
    assert known.derived_shifts(made, "R_n_Cs") == {"skin_Cs": -4.821}
    assert known.derived_shifts(made, "boundary") == {}
    # of what is fixed there is a value: R_n - R_p
    assert known.derived_values(made) == {"skin_I": pytest.approx(5.0 - 4.766)}
    in_argon = definition("neutron_radius", [LAR], {"R_n_Ar": (3.0, 4.0, "fm")})
    assert {d.name for d in known.derived(in_argon)} == {"skin_Ar"}


def test_the_common_radius_has_a_skin_in_every_target():
    made = definition("neutron_radius", [CSI], {"R_n": (4.5, 5.5, "fm")})
    assert known.derived_shifts(made, "R_n") == {"skin_Cs": -4.821, "skin_I": -4.766}


def test_notes_name_the_parameter_and_the_beams():
    made = definition("nsi", [CSI, LAR], {"eps_tautau_u": (-1.0, 1.0, "")})
    notes = known.idle_notes(["eps_tautau_u"], known.loaded_experiments(made))
    assert len(notes) == 1
    assert notes[0].startswith("eps_tautau_u changes no count of these experiments: ")
    assert f"{CSI} has nu_mu, nu_e, nubar_mu; {LAR} has nu_mu" in notes[0]
    assert known.idle_notes([], known.loaded_experiments(made)) == ()


def test_what_is_profiled_is_said_and_what_jointly():
    axes = {"eps_ee_u": (-1.0, 1.0, "")}
    plain = definition("nsi", [CSI, LAR], axes)
    assert known.profile_notes(plain) == ()
    assert known.profile_record(plain) == {}
    shared = {"flux_error": "shared"}
    made = definition("nsi", [CSI, LAR], axes, experiment={CSI: shared, LAR: shared})
    assert known.sharing(made) == {"sns_flux": (CSI, LAR)}
    first, second = known.profile_notes(made)
    assert first == "profiled inputs: sns_flux (1 +- 0.1)"
    assert "jointly" in second
    assert known.profile_record(made) == {
        "profiled_inputs": {"sns_flux": {"mean": 1.0, "sigma": 0.1}},
        "profiled_jointly": ["sns_flux"],
    }
    alone = definition("nsi", [CSI, LAR], axes, experiment={CSI: shared})
    assert known.sharing(alone) == {"sns_flux": (CSI,)}
    assert known.profile_record(alone)["profiled_jointly"] == []


def test_unusual_choices_say_whose_they_are_and_shared_ones_are_told_once():
    csi, lar, dresden = "coherent_csi_2021", "coherent_lar_2020", "dresden_ii_2022"
    record = {
        "scenario": "standard_model",
        "experiments": [csi, lar, dresden],
        "experiment": {
            csi: {"flux_error": "shared"},
            lar: {"flux_error": "shared"},
            dresden: {"quenching": "ybe"},
        },
    }
    chosen = from_mapping(record, "test", point=True)
    assert known.unusual_choices(chosen, chosen.experiments) == [
        f"{csi} and {lar}: flux_error=shared",
        f"{dresden}: quenching=ybe",
    ]
    assert known.unusual_choices(chosen, [lar]) == [f"{lar}: flux_error=shared"]
    usual = known.usual_choices(chosen, chosen.experiments)
    assert "quenching" not in usual[dresden]
    assert usual[csi]["timing"] == "gaussian_500ns"
