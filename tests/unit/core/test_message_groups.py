"""Messages of one cause are one text. They are what EnergyPlus 25.2 wrote when the small office was broken by hand."""

from __future__ import annotations

import time

import pytest

from epstudy.core.message_groups import normalised

SCHEMA = "<root>[{0}][{1}][{2}] - "
SETPOINT = (
    "DualSetPointWithDeadBand: Effective heating set-point higher than effective cooling set-point - increase deadband "
    "if using unmixed air model occurs in Zone={0} During Warmup{1}, Environment=CHICAGO ANN HTG 99.6% CONDNS DB, at "
    "Simulation time=01/21 {2} LoadToHeatingSetPoint={3}, LoadToCoolingSetPoint=6332.728 Zone TempDepZnLd=138.51 Zone "
    "TempIndZnLd=412.97 Zone Heating ThermostatSetPoint=29.00 Zone Cooling ThermostatSetPoint=26.70"
)
NODE = (
    'Node Connection Error, Node="LOST NODE", Inlet node did not find an appropriate matching "outlet" node. If this '
    "is an outdoor air inlet node, it must be listed in an OutdoorAir:Node or OutdoorAir:NodeList object. Reference "
    "Object=Fan:ConstantVolume, Name={0}"
)
BRANCH = (
    "Error Detected in BranchList=PSZ-AC:{0} AIR LOOP BRANCHES Actual Error occurs in Branch=PSZ-AC:{0} AIR LOOP MAIN "
    "BRANCH Branch Outlet does not match Inlet, Outlet=PSZ-AC:{0}_OA-PSZ-AC:{0}_COOLCNODE Inlet Name=LOST NODE"
)
HOT = (
    'CalcHeatBalanceInsideSurf: The temperature of {0} C for zone="{1}", for surface="{1}_WALL_EAST" ..is very far out '
    "of bounds during warmup. This may be an indication of a malformed zone. During Warmup & Sizing, "
    "Environment=CHICAGO ANN CLG .4% CONDNS WB=>MDB, at Simulation time=07/21 00:08 - 00:10"
)

#: What the group is called, and messages that belong to it.
ONE_CAUSE = {
    # a schedule that does not exist: EnergyPlus crashes
    "GetInternalHeatGains: Lights = … Schedule Name = NOPE, item not found": [
        "GetInternalHeatGains: Lights = CORE_ZN_LIGHTS Schedule Name = NOPE, item not found.",
        "GetInternalHeatGains: Lights = PERIMETER_ZN_4_LIGHTS Schedule Name = NOPE, item not found.",
        "GetInternalHeatGains: Lights = LIGHTS 2 Schedule Name = NOPE, item not found. (EnergyPlus crashed: SIGSEGV)",
    ],
    "GetHeatingCoilInput: Coil:Heating:Fuel = … Availability Schedule Name = NOPE, item not found": [
        "GetHeatingCoilInput: Coil:Heating:Fuel = PSZ-AC:1_HEATC Availability Schedule Name = NOPE, item not found.",
        "GetHeatingCoilInput: Coil:Heating:Fuel = PSZ-AC:2_HEATC Availability Schedule Name = NOPE, item not found.",
    ],
    # a value that the field does not take
    "<root>[Lights][…][watts_per_floor_area] - … - Expected number greater than or equal to 0.000000": [
        SCHEMA.format("Lights", "Core_ZN_Lights", "watts_per_floor_area")
        + '"-1" - Expected number greater than or equal to 0.000000',
        SCHEMA.format("Lights", "Lights [2]", "watts_per_floor_area")
        + '"-3.500000" - Expected number greater than or equal to 0.000000',
    ],
    '<root>[Lights][…][design_level_calculation_method] - "Watts/Fire" - Failed to match against any enum values': [
        SCHEMA.format("Lights", name, "design_level_calculation_method")
        + '"Watts/Fire" - Failed to match against any enum values.'
        for name in ("Core_ZN_Lights", "Perimeter_ZN_1_Lights")
    ],
    "<root>[Timestep][…][number_of_timesteps_per_hour] - … - Expected number less than or equal to 60.000000": [
        '<root>[Timestep][Timestep 1][number_of_timesteps_per_hour] - "100" - Expected number less than or equal to '
        "60.000000",
    ],
    # a field that is not there
    "<root>[Material][…] - Missing required property 'conductivity'": [
        "<root>[Material][Mass NonRes Wall Insulation] - Missing required property 'conductivity'.",
        "<root>[Material][Std Wood 6inch] - Missing required property 'conductivity'.",
    ],
    # an epJSON that is none, and a vertex in one
    "[json.exception.parse_error.101] parse error at line …, column …: syntax error while parsing value - invalid "
    "literal; last read: '\"watts_per_floor_area\": N'": [
        "[json.exception.parse_error.101] parse error at line 3603, column 28: syntax error while parsing value - "
        "invalid literal; last read: '\"watts_per_floor_area\": N'",
        "[json.exception.parse_error.101] parse error at line 17, column 5: syntax error while parsing value - "
        "invalid literal; last read: '\"watts_per_floor_area\": N'",
    ],
    '<root>[BuildingSurface:Detailed][…][vertices][…][vertex_x_coordinate] - Value type "string" for input "x" not '
    "permitted by 'type' constraint": [
        f'<root>[BuildingSurface:Detailed][{name}][vertices][{vertex}][vertex_x_coordinate] - Value type "string" '
        "for input \"x\" not permitted by 'type' constraint."
        for name, vertex in (("Attic_floor_core", 2), ("Core_ZN_floor", 0))
    ],
    # references to nothing
    'BuildingSurface:Detailed=…, invalid Construction Name="NO SUCH WALL"': [
        'BuildingSurface:Detailed="PERIMETER_ZN_1_WALL_SOUTH", invalid Construction Name="NO SUCH WALL".',
        'BuildingSurface:Detailed="PERIMETER_ZN_3_WALL_NORTH", invalid Construction Name="NO SUCH WALL".',
    ],
    "GetDXCoils: Coil:Cooling:DX:SingleSpeed=…, invalid ...not found Part Load Fraction Correlation Curve "
    'Name="COOL-PLF-FPLR"': [
        f'GetDXCoils: Coil:Cooling:DX:SingleSpeed="PSZ-AC:{loop}_COOLC DXCOIL", invalid ...not found Part Load '
        'Fraction Correlation Curve Name="COOL-PLF-FPLR".'
        for loop in range(1, 6)
    ],
    "GetConstructData: Construction = … Name = UNOBTAINIUM, item not found": [
        "GetConstructData: Construction = UNOBTAINIUM Name = UNOBTAINIUM, item not found.",
    ],
    "RoofCeiling:Detailed=… references an outside boundary surface that cannot be found:NO_SUCH_WALL": [
        'RoofCeiling:Detailed="PERIMETER_ZN_1_WALL_WEST" references an outside boundary surface that cannot be '
        "found:NO_SUCH_WALL",
        'RoofCeiling:Detailed="PERIMETER_ZN_2_WALL_SOUTH" references an outside boundary surface that cannot be '
        "found:NO_SUCH_WALL",
    ],
    'People=… invalid zone_or_zonelist_or_space_or_spacelist_name="NOWHERE" not found': [
        'People="CORE_ZN PEOPLE" invalid zone_or_zonelist_or_space_or_spacelist_name="NOWHERE" not found.',
        'People="OTHER PEOPLE" invalid zone_or_zonelist_or_space_or_spacelist_name="NOWHERE" not found.',
    ],
    'Schedule:File=…, File Name: "nothing.csv" not found. Paths searched: Current Working Directory: … EnergyPlus '
    "Executable Directory: …": [
        f'Schedule:File="FROM FILE", File Name: "nothing.csv" not found. Paths searched: Current Working Directory: '
        f'"/var/tmp/runs/{run}" EnergyPlus Executable Directory: "/opt/venv/lib/python3.11/site-packages"'
        for run in ("3c9f0e5a3c9f-x8a1", "77aa01bc45de-q_0z")
    ],
    # geometry
    "InitSolarViewFactors: No surfaces in enclosure=…": [
        "InitSolarViewFactors: No surfaces in enclosure=GHOST.",
        "InitSolarViewFactors: No surfaces in enclosure=GHOST 2.",
    ],
    "BuildingSurface:Detailed=…, Surface Area <= …; Entered Area=…": [
        'BuildingSurface:Detailed="PERIMETER_ZN_1_WALL_SOUTH", Surface Area <= 0.0; Entered Area=0.00',
        'BuildingSurface:Detailed="PERIMETER_ZN_2_WALL_EAST", Surface Area <= 0.0; Entered Area=-1.25E-003',
    ],
    # nodes and branches
    NODE.format("…").replace('"LOST NODE"', "…"): [NODE.format("PSZ-AC:2_FAN"), NODE.format("PSZ-AC:4_FAN")],
    "Error Detected in BranchList=… Actual Error occurs in Branch=… Branch Outlet does not match Inlet, Outlet=… Inlet "
    "Name=LOST NODE": [BRANCH.format(1), BRANCH.format(3)],
    # what goes wrong in the simulation
    "DualSetPointWithDeadBand: Effective heating set-point higher than effective cooling set-point - increase deadband "
    "if using unmixed air model occurs in Zone=… LoadToHeatingSetPoint=…, LoadToCoolingSetPoint=… Zone TempDepZnLd=… "
    "Zone TempIndZnLd=… Zone Heating ThermostatSetPoint=… Zone Cooling ThermostatSetPoint=…": [
        SETPOINT.format("CORE_ZN", " & Sizing", "00:00 - 00:10", "8545.668"),
        SETPOINT.format("PERIMETER_ZN_1", "", "07:08 - 07:10", "-8.5E+003"),
    ],
    "CalcHeatBalanceInsideSurf: The temperature of … C for zone=…, for surface=… ..is very far out of bounds during "
    "warmup. This may be an indication of a malformed zone": [
        HOT.format("1859584.56", "CORE_ZN"),
        HOT.format("9297830.61", "PERIMETER_ZN_1"),
    ],
    # files that are no models or weather
    'Line: … Index: … - "Lightz" is not a valid Object Type': [
        'Line: 5018 Index: 8 - "Lightz" is not a valid Object Type.',
        'Line: 12 Index: 3 - "Lightz" is not a valid Object Type.',
    ],
    "Unexpected error condition in middle of reading EPW file, stopped at …": [
        "Unexpected error condition in middle of reading EPW file, stopped at 1986/1/1 1:0",
        "Unexpected error condition in middle of reading EPW file, stopped at 2009/12/31 23:0",
    ],
    # our own words, and the machine's
    "still running after … s, the limit of the study": [
        "still running after 30 s, the limit of the study",
        "still running after 0.5 s, the limit of the study",
    ],
    "the store … cannot be written: [Errno 28] No space left on device: …": [
        "the store /home/ann/studies cannot be written: [Errno 28] No space left on device: '/home/ann/ab/.p.12'",
        "the store s3://group/studies cannot be written: [Errno 28] No space left on device: '/tmp/runs/cd/.p.34.part'",
        "the store C:\\studies cannot be written: [Errno 28] No space left on device: 'C:\\\\studies\\\\my runs\\\\x'",
    ],
    "the input file … cannot be read from …: [Errno 2] No such file or directory: …": [
        f"the input file {digest}.epw cannot be read from /home/ann/studies: [Errno 2] No such file or directory: "
        f"'/home/ann/studies/inputs/{digest}.epw'"
        for digest in ("3c9f0e5a" * 8, "00ff" * 16)
    ],
    "RuntimeError: <Model object at …> of … failed": [
        "RuntimeError: <Model object at 0x7f3a2b1c> of 2026-11-21T05:29:01.123+00:00 failed",
        "RuntimeError: <Model object at 0x55d0> of 2026-11-22 failed",
    ],
    "ConnectionError: Error … connecting to …. Connection refused": [
        "ConnectionError: Error 111 connecting to 10.0.0.5:6379. Connection refused.",
        "ConnectionError: Error 111 connecting to 10.0.0.17:6380. Connection refused.",
    ],
}

MESSAGES = [message for messages in ONE_CAUSE.values() for message in messages]

#: They hold nothing that differs between variants of one cause.
AS_THEY_ARE = [
    "",
    "EnergyPlus crashed: SIGSEGV, and left no message",
    "EnergyPlus ended with code 1 and left no message",
    "EnergyPlus ended with code -11 and left no message",
    "EnergyPlus' process was killed (SIGKILL): out of memory, or ended by somebody",
    "this worker has EnergyPlus 25.1.0-68a4a7c774, the study was made for 25.2.0-cf7368216c; install the same package",
    "GetNextEnvironment: Weather Environment(s) requested, but no weather file found",
    "KeyError: 'Core_ZN'",
    '"Lights/Nowhere/watts_per_floor_area" matches none of the Lights objects: no "Nowhere"',
]


@pytest.mark.parametrize(("group", "messages"), ONE_CAUSE.items(), ids=lambda one: one[:40] if type(one) is str else "")
def test_messages_of_one_cause_are_one_text(group: str, messages: list[str]) -> None:
    assert {normalised(message) for message in messages} == {group}


def test_messages_of_different_causes_stay_different() -> None:
    assert len({normalised(message) for message in MESSAGES}) == len(ONE_CAUSE)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Schedule Name = NOPE, item not found.", "Schedule Name = NOPE_2, item not found."),
        ("Lights = A Schedule Name = NOPE, item not found.", "People = A Schedule Name = NOPE, item not found."),
        ("Zone=A Schedule Name = NOPE, item not found.", "Zone=A Curve Name = NOPE, item not found."),
        ('X="A", invalid Construction Name="WALL 1".', 'X="A", invalid Construction Name="WALL 2".'),
        ("<root>[Lights][A][fraction_radiant] - Bad", "<root>[Lights][A][fraction_visible] - Bad"),
        ("Fan = A Control Mode = FIRE, invalid key.", "Fan = A Control Mode = WATER, invalid key."),
        ("ended with code 1", "ended with code 2"),
        ("[Errno 28] No space", "[Errno 13] No space"),
        ("Component type=FAN:ONOFF", "Component type=FAN:CONSTANTVOLUME"),
        ("needs version 25.1.0-68a4a7c774", "needs version 25.2.0-cf7368216c"),
    ],
)
def test_class_field_and_the_name_that_was_not_found_tell_causes_apart(one: str, other: str) -> None:
    assert normalised(one) != normalised(other)


@pytest.mark.parametrize("message", AS_THEY_ARE)
def test_what_tells_the_cause_stays(message: str) -> None:
    assert normalised(message) == message


@pytest.mark.parametrize("message", [*MESSAGES, *AS_THEY_ARE])
def test_normalising_twice_changes_nothing_more(message: str) -> None:
    assert normalised(normalised(message)) == normalised(message)


@pytest.mark.parametrize(
    "unit", ["=", '"', "Zone=", " A", "[a]", "during ", "/", "1,", "Environment=", "'/a", "name = A "]
)
def test_a_strange_text_takes_no_longer_than_its_length_deserves(unit: str) -> None:
    started = time.process_time()
    normalised(unit * 3000)
    assert time.process_time() - started < 0.5
