"""What EnergyPlus wrote of a run is read as it was meant."""

from __future__ import annotations

from pathlib import Path

from epstudy.engines.energyplus.errors_file import read_messages, read_verdict

ERR = """Program Version,EnergyPlus, Version 25.2.0-cf7368216c (No OpenGL), YMD=2026.11.20 11:04,
   ************* Beginning Zone Sizing Calculations
   ** Warning ** Check input. Pump nominal power or motor efficiency is set to 0
   **   ~~~   ** for pump = SWHSYS1 PUMP
   ** Severe  ** GetInternalHeatGains: Lights = CORE_ZN_LIGHTS Schedule Name = NOPE, item not found.
   *************  ** Warning ** The recurring one
   *************  **   ~~~   **   This error occurred 63 total times;
   ** Severe  ** Second one
   **  Fatal  ** Errors found in getting input. Simulation terminated.
   ...Summary of Errors that led to program termination:
"""


def test_messages_have_their_continuation_lines() -> None:
    assert read_messages(ERR) == [
        ("warning", "Check input. Pump nominal power or motor efficiency is set to 0 for pump = SWHSYS1 PUMP"),
        ("severe", "GetInternalHeatGains: Lights = CORE_ZN_LIGHTS Schedule Name = NOPE, item not found."),
        ("warning", "The recurring one This error occurred 63 total times;"),
        ("severe", "Second one"),
        ("fatal", "Errors found in getting input. Simulation terminated."),
    ]


def test_a_crash_leaves_no_end_and_the_messages_count(tmp_path: Path) -> None:
    (tmp_path / "eplusout.err").write_text(ERR, encoding="latin-1")
    verdict = read_verdict(tmp_path)
    assert verdict.completed is None
    assert (verdict.warnings, verdict.severe_errors) == (2, 2)
    assert verdict.first_severe.startswith("GetInternalHeatGains")
    assert verdict.last_severe == "Second one"


def test_the_end_file_counts_and_decides(tmp_path: Path) -> None:
    (tmp_path / "eplusout.end").write_text(
        "EnergyPlus Completed Successfully-- 352 Warning; 3 Severe Errors; Elapsed Time=00hr 00min  8.49sec"
    )
    verdict = read_verdict(tmp_path)
    assert verdict.completed is True
    assert (verdict.warnings, verdict.severe_errors) == (352, 3)


def test_a_fatal_error_is_no_success_whatever_the_end_file_says(tmp_path: Path) -> None:
    (tmp_path / "eplusout.end").write_text("EnergyPlus Completed Successfully-- 0 Warning; 0 Severe Errors;")
    (tmp_path / "eplusout.err").write_text(ERR)
    assert read_verdict(tmp_path).completed is False


def test_an_empty_folder_says_nothing(tmp_path: Path) -> None:
    verdict = read_verdict(tmp_path)
    assert verdict.completed is None
    assert verdict.first_severe == verdict.fatal == ""


def test_bytes_that_are_no_utf8_are_read(tmp_path: Path) -> None:
    (tmp_path / "eplusout.err").write_bytes(b"   ** Severe  ** Zone=B\xfcro\n")
    assert read_verdict(tmp_path).first_severe == "Zone=Büro"
