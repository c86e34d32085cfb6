"""The picture of the README, docs/images/panel.png, of a real study in a real JupyterLab: `make pictures`.

The small office over the year, 59 variants of which three name a schedule that the model has not. The picture is taken
when 34 have ended: three minutes on two cores.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from epstudy.pool import private_pool
from epstudy.settings import Settings
from tests.browser.chromium import running_browser
from tests.browser.lab import Lab, running_lab
from tests.browser.notebook import Notebook
from tests.browser.panels import PanelOf

PICTURE = Path(__file__).parents[1] / "docs" / "images" / "panel.png"
ENDED = 34
_SIZE = (1130, 1500)
_LIMIT_S = 3600.0

CELLS = (
    """
from pyenergyplus.dataset import ref_models, weather_files
import epstudy as ep

office = ep.EnergyPlus(ref_models["small_office"], weather=weather_files["usa_il_chicago"])
""",
    """
study = ep.Study(
    "office-retrofit",
    office,
    {
        "lpd": ep.Field("Lights/*/watts_per_floor_area", [4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 12.0]),
        "u_value": ep.Field("WindowMaterial:SimpleGlazingSystem/*/u_factor", [0.8, 1.2, 1.6, 2.0, 2.4, 3.0, 3.6]),
        "hours": ep.Field("Lights/*/schedule_name", {"office": "BLDG_LIGHT_SCH", "shifts": "BLDG_LIGHT_SHIFTS"}),
    },
    where=lambda v: v.hours == "office" or (v.lpd == 6 and v.u_value < 2),
)
study.run(check=False)
""",
)


def main() -> None:
    """Take the picture."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURE
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        environment = {"EPSTUDY_STORE": f"{folder}/store", "EPSTUDY_WORKERS": "4", "PYTHONPATH": str(Path.cwd())}
        try:
            with running_lab(Path(folder) / "lab", environment) as lab:
                take(lab, target)
        finally:
            private_pool.stop(Settings.load(store=f"{folder}/store"))
    print(f"{target}: {target.stat().st_size / 1000:.0f} kB")


def take(lab: Lab, target: Path) -> None:
    """Run the study, and write the picture of its panel when it is under way."""
    with running_browser() as browser:
        notebook = Notebook(browser, lab, "office-retrofit", CELLS, size=_SIZE, pixels=2).open()
        notebook.run(0)
        notebook.run(1)
        panel = PanelOf(notebook, 1)
        panel.wait_ended(ENDED, limit_s=_LIMIT_S)
        panel.wait("Schedule Name = BLDG_LIGHT_SHIFTS")
        panel.root.locator("canvas.ep-map").hover(position={"x": 250, "y": 10})
        panel.wait("site_eui_kwh_m2 = [0-9.]+ kWh/m2")
        panel.root.screenshot(path=target)
        notebook.close()


if __name__ == "__main__":
    main()
