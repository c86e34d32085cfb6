"""Requests mean the same however they are spelled, and a model asks for them and for nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyenergyplus.dataset import ref_models

from epstudy.core.errors import InputError
from epstudy.engines.energyplus.model import model
from epstudy.engines.energyplus.outputs.requests import (
    FREQUENCIES,
    ComponentSizes,
    EndUses,
    Meter,
    Request,
    Table,
    Variable,
    from_json,
    read_requests,
    request_problems,
    written_meter,
)
from epstudy.engines.energyplus.outputs.scalars import KEPT_FILES, UNASKED, ask, keep_problems, kept_files

OFFICE = Path(ref_models["small_office"]).read_bytes()


@pytest.fixture(scope="module")
def base() -> model.Document:
    return model.load(OFFICE, ".idf")


@pytest.fixture
def office(base: model.Document) -> model.Document:
    return base.copy()


ALL: list[Request] = [
    EndUses(),
    ComponentSizes(),
    Meter("Electricity:Facility", "monthly"),
    Variable("Zone Mean Air Temperature"),
    Variable("Zone Mean Air Temperature", ["Core_ZN", "Attic"], "timestep"),
    Table("EnvelopeSummary", "Opaque Exterior"),
]


@pytest.mark.parametrize("request_", ALL)
def test_a_request_comes_back_from_its_json(request_: Request) -> None:
    assert from_json(request_.to_json()).digest == request_.digest
    assert from_json(request_.to_json()).to_json() == request_.to_json()


def test_every_request_has_a_digest_of_its_own() -> None:
    digests = {one.digest for one in ALL}
    assert len(digests) == len(ALL)
    assert all(len(digest) == 16 for digest in digests)


def test_digests_stay_what_they_are() -> None:
    """They name files in stores: a changed one throws those away."""
    assert [one.digest for one in ALL] == PINNED


PINNED = [
    "7149dfc97a6faf18",
    "0521a2e27bd8c568",
    "39d4ba692e1bdaec",
    "a99679c443b38f8c",
    "ac4341a83fd97908",
    "a394d98cb5af58dd",
]


@pytest.mark.parametrize(
    ("one", "same"),
    [
        (Meter("electricity:facility"), Meter("Electricity:Facility", "Hourly")),
        (Meter("Electricity:Facility", "detailed"), Meter("Electricity:Facility", "timestep")),
        (Variable("ZONE MEAN AIR TEMPERATURE", "core_zn"), Variable("Zone Mean Air Temperature", ["Core_ZN"])),
        (Variable("T", ["b", "A", "a"]), Variable("t", ("A", "B"))),
        (Variable("T", ["b", "*"]), Variable("T")),
        (Variable("T", frequency="Run Period"), Variable("T", frequency="RUNPERIOD")),
        (Variable("T", frequency="Each Call"), Variable("T", frequency="detailed")),
        (Table("envelope summary", "Opaque  Exterior"), Table("EnvelopeSummary", "opaque exterior")),
        (Table("EconomicResultSummary", "t"), Table("Economics Results Summary Report", "t")),
    ],
)
def test_what_energyplus_takes_for_the_same_is_the_same(one: Request, same: Request) -> None:
    assert one.digest == same.digest


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Meter("Electricity:Facility", "hourly"), Meter("Electricity:Facility", "daily")),
        (Variable("T", "a"), Variable("T", "b")),
        (Variable("T", "Zone  1"), Variable("T", "Zone 1")),
        (Variable("T", "straße"), Variable("T", "strasse")),
        (Meter("a:b"), Variable("a:b")),
    ],
)
def test_what_energyplus_tells_apart_is_not_the_same(one: Request, other: Request) -> None:
    assert one.digest != other.digest


@pytest.mark.parametrize("frequency", FREQUENCIES)
def test_a_frequency_may_be_written_in_any_case(frequency: str) -> None:
    assert Variable("T", frequency=frequency.upper()).frequency == frequency


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Meter("Electricity:Facility", "weekly"), "expected one of timestep, detailed, hourly, daily"),
        (lambda: Meter("Electricity:Facility", 60), "frequency is 60"),  # type: ignore[arg-type]
        (lambda: Meter(""), 'a meter is named by a text such as "Electricity:Facility"'),
        (lambda: Meter("a\nb"), "holds the end of a line"),
        (lambda: Variable(None), "a variable is named by a text"),  # type: ignore[arg-type]
        (lambda: Variable("T", []), "the list of keys is empty"),
        (lambda: Variable("T", ["a", 3]), "a key is named by a text"),  # type: ignore[list-item]
        (lambda: Table("EnvelopeSummary", ""), "table is ''"),
        (lambda: from_json({"output": "rain"}), "no kind that this version of epstudy knows"),
        (lambda: from_json({"output": "meter", "name": "a:b", "colour": 1}), "no kind that this version"),
    ],
)
def test_a_request_that_cannot_be_is_refused(make: Any, said: str) -> None:
    with pytest.raises(InputError) as error:
        make()
    assert said in str(error.value)


def test_one_request_or_several_may_be_given_and_each_counts_once() -> None:
    meter = Meter("Electricity:Facility")
    assert read_requests(meter) == (meter,)
    assert read_requests(()) == ()
    assert read_requests([meter, EndUses(), Meter("ELECTRICITY:FACILITY"), EndUses()]) == (meter, EndUses())


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        ("Electricity:Facility", 'write ep.Meter("Electricity:Facility")'),
        (["Zone Mean Air Temperature"], 'write ep.Variable("Zone Mean Air Temperature")'),
        (EndUses, "write ep.EndUses(...), with brackets"),
        ([Meter], "write ep.Meter(...), with brackets"),
        (None, "outputs are None; expected a list"),
        ({"meter": "Electricity:Facility"}, "expected ep.EndUses(), ep.Meter(...)"),
        ([3], "outputs hold 3"),
    ],
)
def test_outputs_that_are_none_say_what_to_write(outputs: Any, said: str) -> None:
    with pytest.raises(InputError) as error:
        read_requests(outputs)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (Table("EnvelopSummary", "t"), 'EnergyPlus has no report "EnvelopSummary"; did you mean "EnvelopeSummary"'),
        (Table("Quux", "t"), "there are AdaptiveComfortSummary"),
        (Table("AllSummary", "t"), '"AllSummary" stands for many reports'),
        (Meter("Electricity"), 'expected a name with a colon, such as "Electricity:Facility"'),
        (Variable("Electricity:Facility"), 'write ep.Meter("Electricity:Facility")'),
    ],
)
def test_a_check_finds_what_the_model_cannot_report(office: model.Document, request_: Request, said: str) -> None:
    (problem,) = request_problems(office, [EndUses(), request_])
    assert said in problem


def test_a_check_accepts_every_request_that_can_be(office: model.Document) -> None:
    office.add("Meter:Custom", "All of it", resource_type="Electricity")
    written = ["Tariff Report", "LEEDsummary", "AnnualThermalResilienceSummary", "Standard62.1Summary"]
    fine = [*ALL, Meter("all of it"), *(Table(name, "t") for name in written)]
    assert request_problems(office, fine) == []


def asked_by(document: model.Document) -> dict[str, list[dict[str, Any]]]:
    """Every output request that a document holds."""
    classes = [name for name in (*UNASKED, "OutputControl:Table:Style") if name in document]
    return {name: [dict(one.data) for one in document[name]] for name in classes if len(document[name])}


def switched_on(document: model.Document) -> set[str]:
    (files,) = asked_by(document)["OutputControl:Files"]
    return {name for name, value in files.items() if value == "Yes"}


def test_without_requests_a_model_asks_for_the_scalars_only(office: model.Document) -> None:
    ask(office)
    assert set(asked_by(office)) == {
        "Output:SQLite",
        "Output:Table:SummaryReports",
        "OutputControl:Files",
        "OutputControl:Table:Style",  # the model's own, for a file that is not written
    }
    assert switched_on(office) == {"output_sqlite", "output_end"}


def test_asking_twice_is_asking_once(office: model.Document) -> None:
    ask(office, ALL, ("html", "rdd", "dxf"))
    once = model.write(office, ".idf")
    ask(office, ALL, ("html", "rdd", "dxf"))
    assert model.write(office, ".idf") == once


def test_requests_may_be_asked_for_as_json(office: model.Document, base: model.Document) -> None:
    other = base.copy()
    ask(office, [Meter("Electricity:Facility"), Variable("T", "a")])
    ask(other, [Meter("Electricity:Facility").to_json(), Variable("T", "a").to_json()])
    assert model.write(other, ".idf").lower() == model.write(office, ".idf").lower()


def test_a_model_asks_for_each_key_of_a_variable(office: model.Document) -> None:
    ask(office, [Variable("T", ["a", "b"], "runperiod"), Variable("T", "A", "timestep"), Meter("x:y")])
    variables = {
        (one["key_value"], one["variable_name"], one["reporting_frequency"])
        for one in asked_by(office)["Output:Variable"]
    }
    clock = ("Environment", "Site Outdoor Air Drybulb Temperature", "Daily")
    assert variables == {("a", "T", "RunPeriod"), ("b", "T", "RunPeriod"), ("A", "T", "Timestep"), clock}
    assert asked_by(office)["Output:Meter"] == [{"key_name": "x:y", "reporting_frequency": "Hourly"}]
    assert switched_on(office) == {"output_sqlite", "output_end", "output_rdd", "output_mdd"}


def test_a_report_is_asked_for_once_and_as_energyplus_spells_it(office: model.Document) -> None:
    ask(office, [Table("leedsummary", "a"), Table("LEED Summary", "b"), Table("DemandEndUseComponentsSummary", "c")])
    text = model.write(office, ".idf").decode("latin-1")
    assert text.count("LEEDSummary") == 1
    assert text.count("DemandEndUseComponentsSummary") == 1


def test_a_report_that_comes_only_with_another_brings_it_along(office: model.Document) -> None:
    ask(office, [Table("Tariff Report", "General")])
    assert b"EconomicResultSummary" in model.write(office, ".idf")


@pytest.mark.parametrize("word", KEPT_FILES)
def test_a_kept_file_is_switched_on(office: model.Document, word: str) -> None:
    ask(office, keep=(word,))
    switch = KEPT_FILES[word].switch
    assert switched_on(office) == {"output_sqlite", "output_end"} | ({switch} if switch else set())


def test_kept_html_is_in_kwh_whatever_the_model_says(office: model.Document) -> None:
    for style in office["OutputControl:Table:Style"]:
        style.unit_conversion = "InchPound"
    ask(office, keep=("html",))
    assert asked_by(office)["OutputControl:Table:Style"] == [{"column_separator": "HTML", "unit_conversion": "JtoKWH"}]


@pytest.mark.parametrize(
    ("keep", "said"),
    [
        (("sql", "htm"), "keep holds 'htm', which is no file that can be kept; did you mean \"html\"?"),
        (("eplusout.es",), "keep holds 'eplusout.es'"),
        (("rain",), "; there are model, console, err"),
        ((3,), "keep holds 3"),
        ("sql", 'keep is the text "sql"; give a tuple of names, such as ("sql",)'),
    ],
)
def test_an_unknown_word_to_keep_is_answered_with_the_nearest(keep: Any, said: str) -> None:
    (problem,) = keep_problems(keep)
    assert said in problem


def test_kept_files_are_named_as_energyplus_names_them() -> None:
    assert keep_problems(list(KEPT_FILES)) == []
    assert keep_problems(["eplusout.eso", "eplusmap.csv"]) == []
    assert kept_files(("eplusout.eso", "map"), ".idf") == ["eplusout.eso", "eplusmap.csv"]
    assert kept_files(("model", "html", "console", "nonsense"), ".epjson") == [
        "in.epjson",
        "eplustbl.htm",
        "console.txt",
    ]


def test_a_csv_file_of_annual_values_would_crash_energyplus(office: model.Document) -> None:
    annual = [EndUses(), Meter("Electricity:Facility", "annual")]
    (problem,) = keep_problems(("csv",), annual)
    assert 'ask for "runperiod"' in problem
    assert keep_problems(("csv",), ALL) == keep_problems(("eso",), annual) == []
    with pytest.raises(InputError, match="EnergyPlus crashes"):
        ask(office, annual, ("csv",))


def test_an_unknown_word_to_keep_never_reaches_a_run(office: model.Document) -> None:
    with pytest.raises(InputError, match="no file that can be kept"):
        ask(office, keep=("rain",))


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Electricity:Facility", "Electricity:Facility"),
        ("Electricity:Zone:Lab [2]", "Electricity:Zone:Lab *"),
        ("*:Lab [2]*", "*:Lab *"),
        ("Electricity:Zone:Floor (1)", "Electricity:Zone:Floor (1)"),
    ],
)
def test_the_meter_of_a_zone_with_a_bracket_was_not_reported(name: str, written: str) -> None:
    assert written_meter(name) == written
