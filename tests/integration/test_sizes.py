"""A parameter that fixes sizes: the table of component sizes holds what runs at each level."""

from __future__ import annotations

import pytest

import epstudy as ep
from tests.support.offices import quick

CAPACITY = "Design Size Gross Rated Total Cooling Capacity"


def test_a_level_that_fixes_a_size_shows_it(store: str) -> None:
    cap = ep.Field("Coil:Cooling:DX:SingleSpeed/*/gross_rated_total_cooling_capacity", ["autosize", 5000.0, 15000.0])
    study = ep.Study("capacity", quick(), {"cap": cap}, outputs=[ep.ComponentSizes()])
    sizes = study.run().wait().table("ComponentSizes")
    coils = sizes[sizes["description"] == CAPACITY]
    runs = coils.groupby("cap")["value"].sum()
    assert runs[5000.0] == 25_000
    assert runs[15000.0] == 75_000
    assert runs["autosize"] == pytest.approx(coils.groupby("cap")["designed"].sum()[5000.0]), "it still says that"
    assert coils.groupby("cap")["source"].unique().map(list).to_dict() == {
        "autosize": ["designed"],
        5000.0: ["user-specified"],
        15000.0: ["user-specified"],
    }


def test_the_flow_of_a_fan_that_a_level_fixes_stands_under_the_name_of_the_designed_one(store: str) -> None:
    flow = ep.Field("Fan:ConstantVolume/*/maximum_flow_rate", ["autosize", 0.6])
    study = ep.Study("fans", quick(), {"flow": flow}, outputs=[ep.ComponentSizes()])
    sizes = study.run().wait().table("ComponentSizes")
    fans = sizes[sizes["description"] == "Design Size Maximum Flow Rate"]
    assert fans.groupby("flow")["component"].nunique().to_dict() == {"autosize": 4, 0.6: 4}
    assert fans[fans["flow"] == 0.6]["value"].eq(0.6).all()
    assert fans.groupby("flow")["source"].unique().map(list).to_dict() == {
        "autosize": ["designed"],
        0.6: ["user-specified"],
    }
