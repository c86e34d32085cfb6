"""Tables as a study returns them, made up: the same each time."""

from __future__ import annotations

import numpy as np
import pandas as pd


def results(count: int, *, failed: int = 0) -> pd.DataFrame:
    """Return results of a Latin hypercube; the last ones failed."""
    random = np.random.default_rng(7)
    frame = pd.DataFrame(
        {
            "lpd": random.uniform(4, 12, count),
            "u_value": random.uniform(0.8, 3.6, count),
            "glazing": random.choice([2.0, 3.0, np.nan], count),
            "weather": random.choice(["Chicago", "Miami", "a town with a very long name, in the north"], count),
            "status": "done",
        },
        index=pd.RangeIndex(count, name="variant"),
    )
    frame["eui"] = 30 + 3 * frame["lpd"] + 5 * frame["u_value"] + random.normal(0, 1, count)
    frame["cost"] = 50_000 / frame["u_value"] + 500 * (12 - frame["lpd"]) * random.uniform(0.8, 1.2, count)
    frame["label"] = "as built"
    if failed:
        frame.loc[frame.index[-failed:], "status"] = "failed"
        frame.loc[frame.index[-failed:], ["eui", "cost"]] = np.nan
    frame.attrs["units"] = {"eui": "kWh/m2", "cost": "EUR"}
    return frame


def grid(across: int, up: int, panels: int = 1) -> pd.DataFrame:
    """Return results of a grid."""
    levels = pd.MultiIndex.from_product([range(across), range(up), [f"town {place}" for place in range(panels)]])
    frame = levels.to_frame(index=False, name=["lpd", "u_value", "weather"])
    frame["status"] = "done"
    frame["eui"] = 10.0 + frame["lpd"] * frame["u_value"] + frame["weather"].str[-1].astype(int)
    frame.attrs["units"] = {"eui": "kWh/m2"}
    return frame


def changed_alone() -> pd.DataFrame:
    """Return results of a baseline, of variants with one change, and of one with two."""
    frame = pd.DataFrame(
        {
            "lpd": [None, 6.0, 12.0, None, None, None, 6.0],
            "glazing": [None, None, None, "double", "triple", None, "double"],
            "terrain": [None, None, None, None, None, "Country", None],
            "status": "done",
            "eui": [50.0, 44.0, 57.0, 48.0, 46.0, 51.0, 30.0],
        },
        index=pd.RangeIndex(7, name="variant"),
    )
    frame.attrs["units"] = {"eui": "kWh/m2"}
    return frame


def series(
    variants: int, *, days: int = 14, steps_a_day: int = 24, name: str = "Fans:Electricity", begin: str = "2017-01-01"
) -> pd.DataFrame:
    """Return an hourly series from a Sunday on: 9 by day and 1 by night, 1 at weekends, times 1.0, 1.1 … by variant."""
    step = pd.Timedelta(days=1) / steps_a_day
    stamps = pd.date_range(pd.Timestamp(begin) + step, periods=days * steps_a_day, freq=step, name="time")
    begins = stamps - step
    busy = (begins.hour >= 8) & (begins.hour < 18) & (begins.day_of_week < 5)
    values = np.where(busy, 9.0, 1.0)[:, None] * (1 + np.arange(variants) / 10)
    frame = pd.DataFrame(values, index=stamps, columns=pd.RangeIndex(variants, name="variant"))
    frame.attrs["units"] = {name: "kWh"}
    return frame


def temperatures(days: int) -> pd.DataFrame:
    """Return the temperature of one variant, which goes up and down by day and by year."""
    frame = series(1, days=days)
    hours = np.arange(len(frame))
    frame[0] = 15 - 10 * np.cos(2 * np.pi * hours / 8760) - 5 * np.cos(2 * np.pi * hours / 24)
    frame.attrs["units"] = {"Zone Mean Air Temperature": "C"}
    return frame


def design_days(variants: int) -> pd.DataFrame:
    """Return a series of a winter and a summer day."""
    winter, summer = series(variants, days=1, begin="2017-01-21"), series(variants, days=1, begin="2017-07-21")
    frame = pd.concat([winter, summer])
    names = ["Chicago winter"] * 24 + ["Chicago summer"] * 24
    frame.index = pd.MultiIndex.from_arrays([names, frame.index], names=["environment", "time"])
    frame.attrs["units"] = {"Fans:Electricity": "kWh"}
    return frame


def indices(method: str, count: int = 3) -> pd.DataFrame:
    """Return what `ep.analysis.sensitivity()` returns for a method."""
    columns = {
        "sobol": ["first_order", "total"],
        "morris": ["mu", "mu_star"],
        "regression": ["coefficient", "importance"],
    }[method]
    frame = pd.DataFrame(index=pd.Index([f"parameter_{place}" for place in range(count)], name="parameter"))
    for place, column in enumerate(columns):
        frame[column] = (1.0 + np.arange(count)) / count / (place + 1)
        if column != "mu":
            frame[f"{column}_interval"] = 0.05
    if method == "morris":
        frame["sigma"] = 0.3
    frame.attrs = {"method": method, "of": "eui", "units": {"eui": "kWh/m2"}, "r2": 0.934}
    return frame if method == "regression" else _without_r2(frame)


def growing_sample(names: tuple[str, ...] = ("total",), parameters: int = 3) -> pd.DataFrame:
    """Return indices of samples of 16 to 256 variants."""
    rows = [
        {
            "size": size,
            "parameter": f"parameter_{place}",
            "index": name,
            "value": place + 1 / size,
            "interval": 4 / size,
        }
        for size in (16, 32, 64, 128, 256)
        for place in range(parameters)
        for name in names
    ]
    return pd.DataFrame(rows, columns=["size", "parameter", "index", "value", "interval"])


def _without_r2(frame: pd.DataFrame) -> pd.DataFrame:
    del frame.attrs["r2"]
    return frame
