"""What ExpandObjects needs, and what is refused before it starts. That it expands rightly is test_installed's."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import idfkit
import pytest

from epstudy.core.errors import EngineError, InputError
from epstudy.engines.energyplus.installation import Installation, find_installation
from epstudy.engines.energyplus.model import model
from epstudy.engines.energyplus.model.document import needs_expansion, template_classes
from epstudy.engines.energyplus.model.templates import expand, template_idd

THERMOSTAT = "HVACTemplate:Thermostat,All,,20,,24;"
IDEAL = "HVACTemplate:Zone:IdealLoadsAirSystem,Core,All;"
MODEL = f"Version,25.2;\nZone,Core;\n{THERMOSTAT}\n{IDEAL}\n".encode()


def document(text: bytes) -> model.Document:
    return model.load(text, ".idf")


def test_a_model_needs_expansion_while_it_has_a_template() -> None:
    read = document(MODEL)
    assert needs_expansion(read)
    assert template_classes(read) == ["HVACTemplate:Thermostat", "HVACTemplate:Zone:IdealLoadsAirSystem"]
    model.remove_all(read, *template_classes(read))
    assert not needs_expansion(read)
    assert template_classes(read) == []


def test_without_the_program_the_templates_are_named_and_the_remedy(tmp_path: Path) -> None:
    without = Installation("26.1.0-deadbeef00")
    with pytest.raises(EngineError) as error:
        expand(MODEL, without, tmp_path)
    assert "uses HVACTemplate:Thermostat, HVACTemplate:Zone:IdealLoadsAirSystem" in str(error.value)
    assert "EnergyPlus 26.1.0-deadbeef00" in str(error.value)
    assert 'pip install "pyenergyplus-lbnl==25.2.0"' in str(error.value)


def test_ground_preprocessors_beside_templates_are_refused(tmp_path: Path) -> None:
    """ExpandObjects comments them out and leaves files for programs that nobody starts: the ground would be gone."""
    with pytest.raises(InputError, match="uses GroundHeatTransfer:Control beside HVACTemplate"):
        expand(MODEL + b"GroundHeatTransfer:Control,Ground,Yes,No;\n", find_installation(), tmp_path)


@pytest.mark.parametrize(
    "text", [MODEL.replace(b"Core,All", b"Core,All" + b"x" * 100), MODEL + b"Zone," + b"x" * 500 + b";\n"]
)
def test_a_field_that_would_be_cut_is_refused(tmp_path: Path, text: bytes) -> None:
    with pytest.raises(InputError, match=r"has \d+ signs, ExpandObjects cuts it at (100|496).*make it shorter"):
        expand(text, find_installation(), tmp_path)


VERSIONS = [version for version in idfkit.versions.ENERGYPLUS_VERSIONS if version >= (9, 6, 0)]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_idd_has_every_template_with_its_fields_in_order(version: tuple[int, int, int]) -> None:
    """The text was compared with the Energy+.idd of 22.1 to 24.1: what ExpandObjects reads of it is the same."""
    schema = idfkit.get_schema(version)
    lines = template_idd(version).decode().splitlines()
    assert lines[1] == "\\group HVAC Templates", "ExpandObjects begins to read here"
    assert lines[-1] == "\\group End", "and ends here"
    start = [number for number, line in enumerate(lines) if line.startswith("HVACTemplate:")]
    classes = {lines[number].rstrip(","): number for number in start}
    assert set(classes) == {name for name in schema.object_types if name.startswith("HVACTemplate:")}
    for name, number in classes.items():
        text = lines[number + 1 : lines.index("", number)]
        fields = [line.partition("\\field ")[2] for line in text if "\\field" in line]
        legacy = schema.get_object_schema(name)["legacy_idd"]
        assert fields == [legacy["field_info"][field]["field_name"] for field in legacy["fields"]]
        assert [line for line in text if ";" in line] == [line for line in text if "\\field" in line][-1:]


def test_the_idd_fits_into_what_the_program_has_room_for() -> None:
    """It allots 50 classes, 1500 fields, 1500 choices and lines of 1000 signs, and checks none of it."""
    lines = template_idd((25, 2, 0)).decode().splitlines()
    codes = Counter(line.split("\\")[1].split(" ")[0] for line in lines if "\\" in line)
    assert codes["field"] == 1096
    assert codes["key"] <= 1500
    assert sum(line.startswith("HVACTemplate:") for line in lines) <= 50
    assert max(map(len, lines)) < 200


def test_the_idd_has_the_limits_of_a_field() -> None:
    text = template_idd((25, 2, 0)).decode()
    assert "\\field Maximum Heating Supply Air Temperature\n    \\minimum> 0.0\n    \\maximum< 100.0\n" in text
    assert "\\field Maximum Heating Air Flow Rate\n    \\minimum 0.0\n" in text, "a number or Autosize"
    assert (
        "\\field Cooling Limit\n    \\type choice\n    \\key LimitCapacity\n    \\key LimitFlowRate\n"
        "    \\key LimitFlowRateAndCapacity\n    \\key NoLimit\n"
    ) in text


def test_templates_of_a_version_that_nobody_knows_are_told() -> None:
    with pytest.raises(EngineError, match=r"HVACTemplate objects of EnergyPlus 99.1 are not known"):
        template_idd((99, 1, 0))
