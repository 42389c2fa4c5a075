"""Shipped tables: which there are, and what is said where there are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from scanner import catalog, tables
from scanner.errors import CatalogError


def test_what_can_be_built_has_tables_and_the_rest_has_none() -> None:
    built = tables.buildable()
    assert set(tables.OTHERS) < set(built)
    assert all(tables.verify(name) for name in built)
    rest = set(catalog.experiment_names()) - set(built)
    assert {"nucleus_10g", "texono_2024"} <= rest
    assert all(tables.verify(name) == () for name in rest)


@pytest.mark.parametrize(
    ("name", "where"), [("nucleus_10g", r"the text .*nucleus_10g\.toml"), ("conus_2021", "module")]
)
def test_where_nothing_is_built_the_mend_is_told(name: str, where: str, tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=f"no tables, its numbers are in .*{where}") as told:
        tables.build(name, tmp_path)
    assert "nothing to build; tables are built for coherent_csi_2017, " in str(told.value)
