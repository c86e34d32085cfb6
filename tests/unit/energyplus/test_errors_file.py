"""What EnergyPlus wrote of a run is read as it was meant. The texts are those of EnergyPlus 25.2, shortened."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from epstudy.engines.energyplus.run.errors_file import FREQUENT, Message, Verdict, read_messages, read_verdict

VERSION = "Program Version,EnergyPlus, Version 25.2.0-cf7368216c (No OpenGL), YMD=2026.11.20 11:04,\n"

ERR = f"""{VERSION}\
   ************* Beginning Zone Sizing Calculations
   ** Warning ** Check input. Pump nominal power or motor efficiency is set to 0
   **   ~~~   ** for pump = SWHSYS1 PUMP
   ** Severe  ** GetInternalHeatGains: Lights = CORE_ZN_LIGHTS
   **   ~~~   ** Schedule Name = NOPE, item not found.
   ** Severe  ** Second one
   **  Fatal  ** Errors found in getting input. Simulation terminated.
   **  Fatal  ** A later one
   ...Summary of Errors that led to program termination:
   ..... Reference severe error count=2
   ..... Last severe error=Second one
   ************* Warning:  Node connection errors not checked - most system input has not been read.
"""

#: A good run whose one schedule lacks most days of the week.
RECURRING = f"""{VERSION}\
   ** Warning ** ProcessScheduleInput: Schedule:Compact = ALWAYS_ON
   **   ~~~   ** has missing day types in Through=12/31
   ************* Beginning Simulation
   ** Warning ** CalcEquipmentFlowRates: "CORE_ZN WATER EQUIPMENT" - Target water temperature is greater than the hot \
water temperature by (36.14 C)
   **   ~~~   **  Environment=CHICAGO ANN HTG 99.6% CONDNS DB, at Simulation time=01/21 00:00 - 00:10
   ************* Simulation Error Summary *************
   ************* There are 8 unused objects in input.
   *************
   ************* ===== Recurring Error Summary =====
   ************* The following recurring error messages occurred.
   *************
   *************  ** Warning ** "CORE_ZN WATER EQUIPMENT" - Target water temperature should be less than or equal to \
the hot water temperature error continues...
   *************  **   ~~~   **   This error occurred 4663 total times;
   *************  **   ~~~   **   during Warmup 0 times;
   *************  **   ~~~   **   during Sizing 0 times.
   *************  **   ~~~   **   Max=36.143741  Min=24.479104
   *************
   *************  ** Severe  ** Temperature out of range [-100. to 200.] (PsyPsatFnTemp)
   *************  **   ~~~   **   This error occurred 63 total times;
   *************
   ************* EnergyPlus Warmup Error Summary. During Warmup: 0 Warning; 0 Severe Errors.
   ************* EnergyPlus Sizing Error Summary. During Sizing: 0 Warning; 0 Severe Errors.
"""

#: The small office with two warm-up days.
WARMUP = f"""{VERSION}\
   ** Severe  ** CheckWarmupConvergence: Loads Initialization, Zone="ATTIC" did not converge after 2 warmup days.
   **   ~~~   ** Warmup Convergence failing during sizing.
   **   ~~~   ** ...Environment(SizingPeriod)="CHICAGO ANN HTG 99.6% CONDNS DB"
   **   ~~~   ** ..Max Temp Comparison = 40.06 vs Temperature Convergence Tolerance=0.20 - Fail Convergence
   ** Severe  ** CheckWarmupConvergence: User supplied maximum warmup days=2 is insufficient.
   **   ~~~   ** Suggest setting maximum number of warmup days to at least 25.
   ************* Beginning Simulation
   ************* ===== Final Error Summary =====
   ************* Loads Initialization did not Converge
"""


def read(folder: Path, err: str | bytes, end: str = "") -> Verdict:
    """The verdict of a run that left these files."""
    (folder / "eplusout.err").write_bytes(err if isinstance(err, bytes) else err.encode())
    if end:
        (folder / "eplusout.end").write_text(end)
    return read_verdict(folder)


def test_messages_have_their_continuation_lines() -> None:
    assert read_messages(ERR) == [
        Message("warning", "Check input. Pump nominal power or motor efficiency is set to 0 for pump = SWHSYS1 PUMP"),
        Message("severe", "GetInternalHeatGains: Lights = CORE_ZN_LIGHTS Schedule Name = NOPE, item not found."),
        Message("severe", "Second one"),
        Message("fatal", "Errors found in getting input. Simulation terminated."),
        Message("fatal", "A later one"),
    ]


def test_the_first_fatal_and_the_first_and_last_severe_error_are_told(tmp_path: Path) -> None:
    verdict = read(tmp_path, ERR)
    assert verdict.fatal == "Errors found in getting input. Simulation terminated."
    assert verdict.first_severe == "GetInternalHeatGains: Lights = CORE_ZN_LIGHTS Schedule Name = NOPE, item not found."
    assert verdict.last_severe == "Second one"
    assert verdict.reason == verdict.first_severe


def test_a_crash_leaves_no_end_and_the_messages_count(tmp_path: Path) -> None:
    verdict = read(tmp_path, ERR)
    assert verdict.completed is None
    assert (verdict.warnings, verdict.severe_errors) == (1, 2)


def test_the_end_file_counts_and_decides(tmp_path: Path) -> None:
    end = "EnergyPlus Completed Successfully-- 352 Warning; 3 Severe Errors; Elapsed Time=00hr 00min  8.49sec"
    verdict = read(tmp_path, "", end)
    assert verdict.completed is True
    assert (verdict.warnings, verdict.severe_errors) == (352, 3)


def test_a_fatal_error_is_no_success_whatever_the_end_file_says(tmp_path: Path) -> None:
    assert read(tmp_path, ERR, "EnergyPlus Completed Successfully-- 0 Warning; 0 Severe Errors;").completed is False


def test_recurring_messages_count_as_often_as_they_came_and_are_no_last_error(tmp_path: Path) -> None:
    verdict = read(tmp_path, RECURRING)
    assert (verdict.warnings, verdict.severe_errors) == (2 + 4663, 63)
    assert verdict.first_severe == verdict.last_severe == "", "the summary at the end says nothing new"
    assert verdict.frequent[0] == (
        4663,
        "… - Target water temperature should be less than or equal to the hot water temperature error continues",
    )


def test_a_recurring_message_that_was_cut_off_counts_once(tmp_path: Path) -> None:
    cut = RECURRING[: RECURRING.index("4663") + 2]
    assert cut.endswith("This error occurred 46")
    assert read(tmp_path, cut).warnings == 3


def test_a_warmup_that_did_not_converge_is_told_and_is_not_why_a_run_failed(tmp_path: Path) -> None:
    good = read(tmp_path, WARMUP, "EnergyPlus Completed Successfully-- 4 Warning; 28 Severe Errors;")
    assert good.completed is True
    assert good.warmup_converged is False
    failed = read(tmp_path, WARMUP + "   ** Severe  ** The cause\n   **  Fatal  ** Preceding condition(s).\n")
    assert failed.reason == "The cause"
    assert failed.first_severe.startswith("CheckWarmupConvergence")
    assert read(tmp_path, WARMUP + "   **  Fatal  ** The end\n").reason == "The end"
    assert read(tmp_path, RECURRING).warmup_converged is True


def test_the_warning_of_old_versions_that_the_warmup_did_not_converge(tmp_path: Path) -> None:
    old = "   ** Warning ** Loads Initialization did not Converge (CheckWarmupConvergence) after 7 warmup days.\n"
    assert read(tmp_path, old).warmup_converged is False


def test_the_most_frequent_warnings_come_first_without_what_differs(tmp_path: Path) -> None:
    zones = "".join(
        f"   ** Warning ** Calculated design heating load for zone=CORRIDOR_{name} is zero.\n"
        "   **   ~~~   ** Check Sizing:Zone and ZoneControl:Thermostat inputs.\n"
        for name in ("NW_FLR_3", "NW_FLR_4", "SE_FLR_3")
    )
    others = "".join(f"   ** Warning ** Of kind {kind}\n" for kind in "abcdefgh")
    frequent = read(tmp_path, others + zones).frequent
    assert len(frequent) == FREQUENT
    assert frequent[:2] == (
        (3, "Calculated design heating load for zone=… is zero. Check Sizing:Zone and ZoneControl:Thermostat inputs"),
        (1, "Of kind a"),
    )


def test_a_line_break_in_a_quoted_text_ends_no_message(tmp_path: Path) -> None:
    """What EnergyPlus says of a file that is no model."""
    err = (
        f'{VERSION}   ** Severe  ** Line: 1 Index: 28 - "hello world\nthis is no model" is not a valid Object Type.\n'
        "   **  Fatal  ** Errors occurred on processing input file. Preceding condition(s) cause termination.\n"
        '   ..... Last severe error=Line: 1 Index: 28 - "hello world\nthis is no model" is not a valid Object Type.\n'
    )
    verdict = read(tmp_path, err)
    assert verdict.first_severe == 'Line: 1 Index: 28 - "hello world this is no model" is not a valid Object Type.'
    assert verdict.fatal == "Errors occurred on processing input file. Preceding condition(s) cause termination."


def test_a_severe_error_that_quotes_a_line_is_no_continuation(tmp_path: Path) -> None:
    err = '   ** Severe  ** Line: 1832 Index: 15 - Error parsing "Lights".\n   ** Severe  ** ~~~     No,,,,,,,,,5\n'
    verdict = read(tmp_path, err)
    assert verdict.severe_errors == 2
    assert verdict.last_severe == "~~~     No,,,,,,,,,5"


def test_a_file_that_was_cut_off_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = read_messages(ERR)
    for length in range(len(ERR)):
        found = read_messages(ERR[:length])
        assert found[:-1] == whole[: len(found[:-1])]
        assert not found or whole[len(found) - 1].text.startswith(found[-1].text)
    assert read(tmp_path, ERR[: len(ERR) // 2]).completed is None


@pytest.mark.parametrize("end", ["E", "EnergyPlus Completed Succ", "EnergyPlus Terminated--Fatal Error Detected. 0 Wa"])
def test_an_end_file_that_was_cut_off_is_no_success(tmp_path: Path, end: str) -> None:
    verdict = read(tmp_path, ERR, end)
    assert verdict.completed is False
    assert verdict.severe_errors == 2


def test_an_empty_folder_and_an_empty_file_say_nothing(tmp_path: Path) -> None:
    nothing = Verdict(
        completed=None, warnings=0, severe_errors=0, first_severe="", last_severe="", fatal="", build_line=""
    )
    assert read_verdict(tmp_path) == nothing
    assert read(tmp_path, "") == nothing


def test_bytes_that_are_no_utf8_are_read_and_spoil_no_other_line(tmp_path: Path) -> None:
    err = b"   ** Severe  ** Zone=B\xfcro\n" + "   ** Severe  ** Zone=Århus, it goes on\n".encode()
    verdict = read(tmp_path, err)
    assert verdict.first_severe == "Zone=Büro"
    assert verdict.last_severe == "Zone=Århus, it goes on"


def test_a_name_with_the_byte_of_a_line_break_of_latin_1_stays_whole(tmp_path: Path) -> None:
    """The second byte of "Å" is one: `str.splitlines` would break the line there."""
    err = "   ** Severe  ** Zone=Åre, no surfaces\n".encode() + b"   ** Warning ** \xfc\n"
    assert read(tmp_path, err).first_severe == "Zone=Åre, no surfaces"


def test_a_message_without_end_is_shortened(tmp_path: Path) -> None:
    err = "   ** Severe  ** A surface\n" + "   **   ~~~   **  is none\n" * 5000
    assert 1000 < len(read(tmp_path, err).first_severe) < 3000
    ((_, warning),) = read(tmp_path, err.replace("Severe ", "Warning")).frequent
    assert 100 < len(warning) < 400, "every result keeps it"


def test_ten_times_the_lines_take_about_ten_times_as_long(tmp_path: Path) -> None:
    """A healthy annual run can leave a hundred thousand lines; what compares each with all others never ends."""

    def seconds(zones: int) -> float:
        err = "".join(
            f'   ** Warning ** CalcEquipmentFlowRates: "ZONE {zone} WATER" - Target water temperature is greater\n'
            f"   **   ~~~   **  Environment=CHICAGO ANN HTG 99.6% CONDNS DB, "
            f"at Simulation time=01/21 00:{zone % 60:02d}\n"
            for zone in range(zones)
        )
        (tmp_path / "eplusout.err").write_text(VERSION + err)
        started = time.process_time()
        verdict = read_verdict(tmp_path)
        taken = time.process_time() - started
        assert verdict.frequent == ((zones, "CalcEquipmentFlowRates: … - Target water temperature is greater"),)
        return taken

    assert seconds(50_000) < 40 * seconds(5_000)
