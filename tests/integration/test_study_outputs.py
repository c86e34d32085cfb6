"""What a study gives back beside its scalars: series, tables, kept files; asked before it runs, and afterwards."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import epstudy as ep
from epstudy.core.outcome import State
from epstudy.store import DamagedFileWarning
from tests.support.offices import LPD, quick

ELECTRICITY = ep.Meter("Electricity:Facility")
TEMPERATURE = ep.Variable("Zone Mean Air Temperature", ["Core_ZN", "Perimeter_ZN_1"])


def study(name: str, levels: list[Any], **options: Any) -> ep.Study:
    return ep.Study(name, quick(), {"lpd": ep.Field(LPD, levels)}, **options)


def simulated(one: ep.Study) -> int:
    progress = one.run().wait().progress()
    return progress.done - progress.cached


def test_series_and_tables_of_every_variant(store: str) -> None:
    outputs = [
        ELECTRICITY,
        TEMPERATURE,
        ep.EndUses(),
        ep.ComponentSizes(),
        ep.Table("EnvelopeSummary", "Exterior Fenestration"),
    ]
    one = study("series", [5.01, 10.01], outputs=outputs)
    assert simulated(one) == 2

    series = one.timeseries("Electricity:Facility")
    assert list(series.columns) == [0, 1]
    assert list(series.index.names) == ["environment", "time"], "design days one after the other"
    assert (series[1].to_numpy() >= series[0].to_numpy()).all()
    assert series[1].sum() > series[0].sum()
    assert series.attrs["units"]["Electricity:Facility"] == "kWh"

    temperatures = one.timeseries("zone mean air temperature", key="Core_ZN", variants=[1])
    assert list(temperatures.columns) == [1]
    assert temperatures[1].between(-20, 60).all()
    assert set(one.timeseries("Zone Mean Air Temperature", key="*").columns.get_level_values("variant")) == {0, 1}
    long = one.timeseries("Electricity:Facility", long=True)
    assert len(long) == 2 * len(series)

    sizes = one.table("ComponentSizes")
    assert {"variant", "lpd"} == set(sizes.columns[:2])
    assert sizes["variant"].nunique() == 2
    windows = one.table("EnvelopeSummary", "Exterior Fenestration")
    assert set(windows["variant"]) == {0, 1}
    assert ep.Study.open("series").timeseries("Electricity:Facility").equals(series)


def test_a_series_that_was_not_asked_for_says_what_to_add(store: str) -> None:
    one = study("series-unasked", [5.02], outputs=ELECTRICITY)
    one.run().wait()
    with pytest.raises(ep.InputError, match=r'does not ask for "Gas:Facility".*Add ep.Meter\("Gas:Facility"\)'):
        one.timeseries("Gas:Facility")
    with pytest.raises(ep.InputError, match=r"add ep.ComponentSizes\(\) to outputs="):
        one.table("ComponentSizes")


def test_a_failed_variant_is_a_column_of_nan(store: str) -> None:
    one = ep.Study(
        "series-failed",
        quick(),
        {"schedule": ep.Field("Lights/*/schedule_name", ["BLDG_LIGHT_SCH", "NOPE"])},
        outputs=ELECTRICITY,
    )
    one.run(check=False).wait()
    assert list(one.results()["status"]) == ["done", "failed"]
    series = one.timeseries("Electricity:Facility")
    assert series[0].notna().all()
    assert series[1].isna().all()


def test_a_new_output_of_a_finished_study_is_read_from_the_kept_sql(store: str) -> None:
    first = study("kept", [5.03, 5.04], keep="sql")
    assert simulated(first) == 2
    again = study("kept", [5.03, 5.04], keep="sql", outputs=[ep.EndUses(), ep.ComponentSizes()])
    assert "2 are read again from their kept files" in str(again.check())
    assert again.estimate().read_again == 2
    assert simulated(again) == 0
    assert len(again.table("ComponentSizes")) > 10
    assert "lack what is asked" not in str(again.check()), "nothing is lacking any more"


def test_a_new_series_of_a_finished_study_is_simulated_again_and_it_says_so(store: str) -> None:
    first = study("not-kept", [5.05], keep="sql")
    assert simulated(first) == 1
    before = first.results()
    again = study("not-kept", [5.05], keep="sql", outputs=ELECTRICITY)
    assert "1 are simulated again" in str(again.check())
    assert again.estimate().to_run == 1
    assert list(again.results()["status"]) == [State.PENDING]
    assert simulated(again) == 1
    assert len(again.timeseries("Electricity:Facility")) >= 24
    assert again.results()["floor_area_m2"].equals(before["floor_area_m2"])


def test_a_good_variant_keeps_only_its_numbers_and_what_it_is_told_to(store: str) -> None:
    plain = study("keeps-nothing", [5.06])
    plain.run().wait()
    with pytest.raises(ep.InputError, match=r"it kept no files; ep.Study\(..., keep=\(\"sql\",\)\)"):
        plain.fetch(0, "sql")
    keeping = study("keeps", [5.07], keep=("sql", "err", "html", "model"))
    keeping.run().wait()
    with sqlite3.connect(keeping.fetch(0, "sql")) as sql:
        assert sql.execute("SELECT COUNT(*) FROM TabularDataWithStrings").fetchone()[0] > 100
    assert "EnergyPlus Completed Successfully" in keeping.fetch(0, "err").read_text(encoding="latin-1")
    assert "<html" in keeping.fetch(0, "html").read_text(encoding="latin-1").casefold()
    assert "5.07" in keeping.fetch(0, "model").read_text(encoding="latin-1")


def test_a_failed_variant_keeps_its_messages_and_its_input(store: str) -> None:
    one = ep.Study("keeps-failed", quick(), {"schedule": ep.Field("Lights/*/schedule_name", ["MISSING-ONE"])})
    one.run(check=False).wait()
    assert "MISSING-ONE" in one.fetch(0, "err").read_text(encoding="latin-1")
    assert "MISSING-ONE" in one.fetch(0, "model").read_text(encoding="latin-1")
    with pytest.raises(ep.InputError, match=r'no file "sql": it kept eplusout.err, in.idf'):
        one.fetch(0, "sql")


def test_end_uses_come_as_columns_too(store: str) -> None:
    one = study("end-uses", [5.08], outputs=ep.EndUses())
    one.run().wait()
    frame = one.results()
    assert np.isnan(frame["heating_kwh"]).all(), "design days give no energies"
    rows = one.table("EndUses")
    assert {"end_use", "fuel", "unit", "value"} <= set(rows.columns)


def test_no_run_folder_is_left(store: str) -> None:
    from epstudy.pool.private_pool import runtime_for
    from epstudy.settings import Settings

    one = ep.Study("folders", quick(), {"schedule": ep.Field("Lights/*/schedule_name", ["GONE", "BLDG_LIGHT_SCH"])})
    one.run(check=False).wait()
    folder = Path(runtime_for(Settings.load().store).folder)
    assert list(folder.glob("scratch-*/runs/*")) == []


def csv_of(study: ep.Study) -> str:
    return study.fetch(0, "csv").read_text(encoding="latin-1").partition("\n")[0]


def test_a_kept_file_is_of_the_run_that_the_study_asked_for(store: str) -> None:
    """Two studies share a result and ask for other series: each has its own files."""
    nothing = study("files-none", [5.09], keep="csv")
    nothing.run().wait()
    with pytest.raises(ep.InputError, match='the engine wrote no "csv"'):
        nothing.fetch(0, "csv")
    meter = study("files-meter", [5.09], keep=("csv", "sql"), outputs=ELECTRICITY)
    variable = study("files-variable", [5.09], keep=("csv", "sql"), outputs=TEMPERATURE)
    for one in (meter, variable):
        assert simulated(one) == 1
    assert "Electricity:Facility" in csv_of(meter)
    assert "Zone Mean Air Temperature" not in csv_of(meter)
    assert "Zone Mean Air Temperature" in csv_of(variable)
    assert "Electricity:Facility" not in csv_of(variable)


def test_keys_of_one_variable_may_be_asked_for_one_by_one(store: str) -> None:
    name = "Zone Mean Air Temperature"
    one = study("keys", [5.11], outputs=[ep.Variable(name, "Core_ZN"), ep.Variable(name, ["Perimeter_ZN_1"])])
    one.run().wait()
    assert len(one.timeseries(name, key="*").columns) == 2
    assert len(one.timeseries(name, key=["core_zn", "PERIMETER_ZN_1"]).columns) == 2


def files_of(one: ep.Study, end: str) -> list[Path]:
    from epstudy.store import Store

    key = one.why(0).attrs["key"]
    held = Store(one._settings.store)
    return [path for name in held.held([key]) if name.endswith(end) and (path := held.artifact(key, name[65:]))]


def test_damaged_files_are_told_and_made_again(store: str) -> None:
    one = study("damaged", [5.12], outputs=[ELECTRICITY], keep="sql")
    one.run().wait()
    whole = one.timeseries("Electricity:Facility")
    (series,) = files_of(one, ".parquet")
    series.write_bytes(series.read_bytes()[:50])
    with pytest.warns(DamagedFileWarning, match="is damaged and was removed"), pytest.raises(ep.InputError):
        one.timeseries("Electricity:Facility")
    (sql,) = files_of(one, ".sql")
    sql.write_bytes(sql.read_bytes()[:20_000])
    assert simulated(one) == 1, "the kept SQL file is damaged too"
    assert one.timeseries("Electricity:Facility").equals(whole)
    with sqlite3.connect(one.fetch(0, "sql")) as read:
        assert read.execute("SELECT COUNT(*) FROM TabularDataWithStrings").fetchone()[0] > 100


def test_a_failure_beside_an_older_result_is_told(store: str) -> None:
    study("older", [5.13]).run().wait()
    one = study("older", [5.13], outputs=ELECTRICITY, timeout=0.05)
    one.run().wait()
    assert list(one.failures()["cause"]) == ["timeout"]
    assert ep.studies().loc["older", "failed"] == 1
    again = study("older", [5.13], outputs=ELECTRICITY)
    assert simulated(again) == 1
    assert len(again.failures()) == 0
    assert files_of(again, ".failed.json") == []


def test_what_names_no_variant_or_series_is_told(store: str) -> None:
    one = study("arguments", [5.14, 5.15], outputs=ELECTRICITY)
    one.run().wait()
    name = "Electricity:Facility"
    assert list(one.timeseries(ELECTRICITY, variants=np.int64(1)).columns) == [1]
    assert list(one.timeseries(name, variants=slice(0, 1)).columns) == [0]
    for variants in ([0.5], [True], "0", [], [2]):
        with pytest.raises(ep.InputError, match="0 to 1"):
            one.timeseries(name, variants=variants)
    for options in ({"key": 3}, {"frequency": 60}):
        with pytest.raises(ep.InputError, match="expected"):
            one.timeseries(name, **options)
    with pytest.raises(ep.InputError, match="expected"):
        one.fetch(0, None)  # type: ignore[arg-type]
