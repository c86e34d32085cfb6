"""One room in spellings that EnergyPlus reads: its number comes out, and that of the edit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import idfkit
import pytest

import epstudy as ep
from tests.support.shoebox import CHICAGO, write_shoebox

LIT_KWH = 10.0 * 48.0 * 7 * 24 / 1000
LIGHTS = "Lights, Box Lights, Box, Always, Watts/Area, , 10, , 0, 0.4, 0.2, 0;"
NO_VERSION = ("Version, 25.2;", "")


def replaced(*pairs: tuple[str, str]) -> Callable[[str], bytes]:
    def spell(text: str) -> bytes:
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new)
        return text.encode()

    return spell


SPELLINGS: dict[str, Callable[[str], bytes]] = {
    "lines that end with CR alone": replaced(("\n", "\r")),
    "CR here, LF there, and a BOM": lambda text: b"\xef\xbb\xbf" + text.replace(";\n", ";\r", 12).encode(),
    "a comment with a version": replaced(("Version, 25.2;", "! Version, 8.9;\nVersion, 25.2;")),
    "a name that ends in Version": replaced(
        NO_VERSION,
        ("SimpleGlazingSystem, Glass,", "SimpleGlazingSystem, New Version,"),
        ("Pane, Glass", "Pane, New Version"),
    ),
    "a comment within an object": replaced((LIGHTS, LIGHTS.replace("Watts/Area,", "Watts/Area, !- a; b, c\n"))),
    "two objects on a line": replaced((LIGHTS, f"{LIGHTS} Output:Diagnostics, DisplayExtraWarnings; ! both")),
}


def lit(path: Path, name: str) -> list[float]:
    """Lighting as the model has it, and with 20 W/m2."""
    study = ep.Study(
        name,
        ep.EnergyPlus(path, weather=CHICAGO, period="model"),
        {"lpd": ep.Field("Lights/*/watts_per_floor_area", [None, 20.0])},
    )
    assert study.check().ok, str(study.check())
    return [float(value) for value in study.run().wait().results(strict=True)["interior_lighting_kwh"]]


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("kind", SPELLINGS)
def test_a_spelling_that_energyplus_reads(tmp_path: Path, kind: str) -> None:
    path = write_shoebox(tmp_path / "room.idf")
    path.write_bytes(SPELLINGS[kind](path.read_text()))
    assert lit(path, f"odd-{list(SPELLINGS).index(kind)}") == pytest.approx([LIT_KWH, 2 * LIT_KWH])


@pytest.mark.usefixtures("store")
def test_objects_whose_names_differ_by_case_only_are_two(tmp_path: Path) -> None:
    path = write_shoebox(tmp_path / "room.idf", LIGHTS.replace("Box Lights", "BOX LIGHTS"))
    assert lit(path, "cases") == pytest.approx([2 * LIT_KWH, 4 * LIT_KWH])


@pytest.mark.usefixtures("store")
def test_an_epjson_of_a_converter_with_a_bom_and_without_version(tmp_path: Path) -> None:
    document = idfkit.load_idf(str(write_shoebox(tmp_path / "room.idf")))
    said = json.loads(str(idfkit.write_epjson(document)))
    for order, fields in enumerate(fields for objects in said.values() for fields in objects.values()):
        fields |= {"idf_order": order, "idf_max_fields": 9, "_comment": "converted"}
    said["Lights"]["BOX LIGHTS"] = dict(said["Lights"]["Box Lights"])
    del said["Version"]
    path = tmp_path / "room.epJSON"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(said).encode())
    assert lit(path, "converted") == pytest.approx([2 * LIT_KWH, 4 * LIT_KWH])
