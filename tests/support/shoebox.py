"""A room of 8 m x 6 m with ideal loads: a week is simulated in a tenth of a second."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pyenergyplus.dataset import weather_files

import epstudy as ep

CHICAGO = Path(weather_files["usa_il_chicago"])
WEEK = "RunPeriod, June, 6, 1, , 6, 7, , Monday, No, No, No, Yes, Yes;"

HVAC = """
  ZoneControl:Thermostat, Box Thermostat, {zone}, Thermostat Kind, ThermostatSetpoint:DualSetpoint, Setpoints;
  ThermostatSetpoint:DualSetpoint, Setpoints, Heat To, Cool To;
  ZoneHVAC:EquipmentConnections, {zone}, Box Equipment, Box Inlet, , Box Air, Box Return;
  ZoneHVAC:EquipmentList, Box Equipment, SequentialLoad, ZoneHVAC:IdealLoadsAirSystem, Box Ideal, 1, 1;
  ZoneHVAC:IdealLoadsAirSystem, Box Ideal, , Box Inlet;
"""

_MODEL = """  Version, 25.2;
  SimulationControl, No, No, No, No, Yes;
  Building, Shoebox, 0, Suburbs, 0.04, 0.4, FullExterior, 25, 6;
  Timestep, 4;
  Site:Location, Here, 41.98, -87.92, -6, 201;
  SizingPeriod:DesignDay, Winter, 1, 21, WinterDesignDay, -20, 0, , , WetBulb, -20, , , , , 99000, 4.9, 270, No, No, No,
    ASHRAEClearSky, , , , , 0;
  SizingPeriod:DesignDay, Summer, 7, 21, SummerDesignDay, 33.3, 10.5, , , WetBulb, 23.7, , , , , 99000, 5.2, 230, No,
    No, No, ASHRAEClearSky, , , , , 1;
  {run_period}
  GlobalGeometryRules, UpperLeftCorner, CounterClockWise, World;
  ScheduleTypeLimits, Any;
  Schedule:Constant, Always, Any, 1;
  Schedule:Constant, Thermostat Kind, Any, 4;
  Schedule:Constant, Heat To, Any, 20;
  Schedule:Constant, Cool To, Any, 26;
  Material, Brick, MediumRough, 0.2, 0.9, 1900, 900;
  Material, Wool, Rough, 0.1, 0.04, 40, 900;
  Construction, Shell, Brick, Wool;
  WindowMaterial:SimpleGlazingSystem, Glass, 1.8, 0.5;
  Construction, Pane, Glass;
  Zone, {zone};
  BuildingSurface:Detailed, South, Wall, Shell, {zone}, , Outdoors, , SunExposed, WindExposed, , 4, 0,0,2.7, 0,0,0,
    8,0,0, 8,0,2.7;
  BuildingSurface:Detailed, East, Wall, Shell, {zone}, , Outdoors, , SunExposed, WindExposed, , 4, 8,0,2.7, 8,0,0,
    8,6,0, 8,6,2.7;
  BuildingSurface:Detailed, North, Wall, Shell, {zone}, , Outdoors, , SunExposed, WindExposed, , 4, 8,6,2.7, 8,6,0,
    0,6,0, 0,6,2.7;
  BuildingSurface:Detailed, West, Wall, Shell, {zone}, , Outdoors, , SunExposed, WindExposed, , 4, 0,6,2.7, 0,6,0,
    0,0,0, 0,0,2.7;
  BuildingSurface:Detailed, Ground, Floor, Shell, {zone}, , Adiabatic, , NoSun, NoWind, , 4, 0,0,0, 0,6,0, 8,6,0, 8,0,0;
  BuildingSurface:Detailed, Top, Roof, Shell, {zone}, , Outdoors, , SunExposed, WindExposed, , 4, 0,6,2.7, 0,0,2.7,
    8,0,2.7, 8,6,2.7;
  FenestrationSurface:Detailed, Window, Window, Pane, South, , , , 1, 4, 1,0,2.2, 1,0,0.8, 7,0,0.8, 7,0,2.2;
  Lights, Box Lights, {zone}, Always, Watts/Area, , 10, , 0, 0.4, 0.2, 0;
  {hvac}
  {more}
"""


def write_shoebox(
    path: Path, more: str = "", *, run_period: str = WEEK, zone: str = "Box", heated: bool = True
) -> Path:
    """Write the room, with these objects besides; without HVAC its temperature floats."""
    hvac = HVAC.format(zone=zone) if heated else ""
    path.write_text(_MODEL.format(run_period=run_period, zone=zone, hvac=hvac, more=more), encoding="utf-8")
    return path


def shoebox(path: Path, more: str = "", *, period: str = "model", **options: Any) -> ep.EnergyPlus:
    """The room as an engine, over the week of its run period."""
    return ep.EnergyPlus(write_shoebox(path, more, **options), weather=CHICAGO, period=period)
