"""One study on the private pool, in the Python that runs this: `python -m tests.installs.one_study`.

It needs nothing beyond a plain install.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from pyenergyplus.dataset import ref_models, weather_files

import epstudy as ep
from epstudy.pool import pool
from epstudy.settings import Settings

STEPS = [6.0, 8.0]


def main() -> None:
    """Simulate the design days of the small office at two lighting powers, and write a table of them for Excel."""
    with tempfile.TemporaryDirectory(prefix="ep") as folder:
        store = str(Path(folder) / "store")
        office = ep.EnergyPlus(
            ref_models["small_office"], weather=weather_files["usa_il_chicago"], period="design-days"
        )
        levels = {"lpd": ep.Field("Lights/*/watts_per_floor_area", STEPS)}
        study = ep.Study("one", office, levels, outputs=ep.ComponentSizes(), store=store)
        try:
            frame = study.run().wait(timeout=600).results(strict=True)
            assert study.verify().ok, study.verify()
            assert frame["lpd"].tolist() == STEPS
            assert len(study.table("ComponentSizes")) > len(STEPS)
            frame.to_excel(Path(folder) / "results.xlsx")
        finally:
            pool.stop_private(Settings.load(store=store))
    print(f"{len(frame)} of {len(STEPS)} variants are done")


if __name__ == "__main__":
    main()
