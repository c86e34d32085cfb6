"""A user's script with every public call: `make types` has Pyright check it, as editors do. It never runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
from scipy import stats

import epstudy as ep

# Engines and parameters
annual = ep.EnergyPlus("office.idf", weather="chicago.epw")
office = ep.EnergyPlus(
    Path("office.epJSON"), Path("chicago.epw"), period="model", ddy="chicago.ddy", installation="/opt"
)
sizing = ep.EnergyPlus("office.idf", period="design-days")


def shade(model: Any, value: float) -> None:
    """Change the model in place."""


parameters = {
    "lpd": ep.Field("Lights/*/watts_per_floor_area", [6.0, 8, None]),
    "u_value": ep.Field(["WindowMaterial:SimpleGlazingSystem/*/u_factor"], {"good": 1.2, "bad": 3}),
    "infiltration": ep.Scale("ZoneInfiltration:DesignFlowRate/*/flow_per_exterior_surface_area", (0.5, 1.0)),
    "climate": ep.Weather({"chicago": "chicago.epw", "miami": ("miami.epw", "miami.ddy")}),
    "walls": ep.Construction("walls", {"as it is": None, "timber": ["Timber", "Wool"]}),
    "shading": ep.Measure(shade, [0.0, 0.5]),
    "series": ep.Field("A/b/c", pd.Series([1.0, 2.0])),
}
drawn = {
    "lpd": ep.Field("Lights/*/watts_per_floor_area", stats.uniform(4, 8)),
    "people": ep.Scale("People/*/people_per_floor_area", stats.norm(1, 0.1)),
    "shading": ep.Measure(shade, stats.uniform()),
}
outputs = [
    ep.EndUses(),
    ep.ComponentSizes(),
    ep.Meter("Electricity:Facility", "hourly"),
    ep.Variable("Zone Mean Air Temperature", "Core_ZN", "daily"),
    ep.Variable("Zone Mean Air Temperature", ["Core_ZN", "Attic"], frequency="timestep"),
    ep.Table("Report", "Table"),
]

# Every sampling
ep.Study("grid", annual, parameters)
ep.Study("grid", annual, parameters, sampling=ep.Grid(), outputs=outputs, where=lambda v: v.lpd < 10, baseline=True)
ep.Study("paired", sizing, list(parameters.items()), sampling=ep.Paired(), keep="sql")
ep.Study("table", office, parameters, sampling=ep.Table(pd.DataFrame({"lpd": [6.0]})), keep=("sql", "err"))
ep.Study("hypercube", annual, drawn, sampling=ep.LatinHypercube(64, seed=1), outputs=ep.EndUses())
ep.Study("sobol", annual, drawn, sampling=ep.Sobol(64, 1), timeout=600, retries=1, stop_after=5)
ep.Study("morris", annual, drawn, sampling=ep.Morris(10, seed=1, levels=6), pool="redis://h", store="/s")
study = ep.Study("saltelli", annual, drawn, sampling=ep.Saltelli(64, seed=1, second_order=True), keep=["html"])

# A study
variants: pd.DataFrame = study.variants
check: ep.Check = study.check(probe=True)
problems: list[str] = [*check.problems, *check.warnings] if not check.ok else []
print(study.estimate())
frame: pd.DataFrame = study.run(only="failed", check=False).wait(timeout=3600).results(strict=True)
savings: pd.DataFrame = study.results(relative_to="baseline")
progress: ep.Progress = study.progress()
left: int = progress.total - progress.done - progress.failed - progress.cancelled - progress.running
series: pd.DataFrame = study.timeseries("Zone Mean Air Temperature", "Core_ZN", [0, 1], frequency="hourly", long=False)
table: pd.DataFrame = study.table("ComponentSizes")
failures: pd.DataFrame = study.failures(by="message")
file: Path = study.fetch(0, "sql")
folder: Path = study.export(0, "row-0")
why: pd.DataFrame = study.why(0)
print(study.verify().ok, study.provenance(), study.to_xarray("Electricity:Facility"))
best: pd.DataFrame = study.minimise({"site_eui_kwh_m2": "min", "floor_area_m2": "max"}, n=50, batch=8, seed=1)
study.retry("timeout", variants=[0]).pause().resume().cancel()
study.panel()
again: ep.Study = ep.Study.open("saltelli")
print(ep.studies(), again.parameters)


async def finished() -> ep.Study:
    """Wait without a thread."""
    return await study


# What the results say, and figures
indices: pd.DataFrame = ep.analysis.sensitivity(study, "heating_kwh", missing="drop")
pairs: pd.DataFrame = ep.analysis.interactions(study, frame["heating_kwh"])
path: pd.DataFrame = ep.analysis.convergence(study, "heating_kwh", confidence=0.9, seed=1)
surrogate: ep.analysis.Surrogate = ep.analysis.surrogate(study, "heating_kwh")
predicted: Any = surrogate.predict({"lpd": 7.0}) * surrogate.r2 / surrogate.rmse
axes = [
    ep.plots.heatmap(frame, "lpd", "u_value", "site_eui_kwh_m2"),
    ep.plots.tornado(frame, "site_eui_kwh_m2"),
    ep.plots.carpet(series, 0),
    ep.plots.sensitivity(indices),
    ep.plots.line(frame, "lpd", "site_eui_kwh_m2", by="u_value"),
    ep.plots.monthly_end_uses({"lighting": series}, 0),
    ep.plots.parallel_coordinates(frame, ["lpd"], colour="u_value"),
    ep.plots.pareto(frame, "cost", "site_eui_kwh_m2", minimise=(True, False)),
]
axes[0].set_title(ep.plots.axis_label(frame, "lpd"))
print(ep.plots.heatmap(frame, "lpd", "u_value", "heating_kwh", by="climate")[0])
print(ep.plots.load_profile(series, by="weekday"), ep.plots.band(series), ep.plots.convergence(path))
print(ep.plots.scatter_matrix(frame, ["lpd"]), ep.plots.pareto_front(frame, {"heating_kwh": "min"}))

# Errors
try:
    study.run()
except ep.CheckError as error:
    print(error.check.problems)
except (ep.InputError, ep.EngineError, ep.StoreError, ep.PoolError, ep.MissingExtraError) as error:
    print(error)
except (ep.StudyNotFoundError, ep.IncompleteError, ep.EpstudyError):
    print(ep.State.FAILED, ep.Cause.TIMEOUT, ep.Outcome, ep.__version__)
