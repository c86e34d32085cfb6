"""What the buttons of a panel ask for: each is one message, done in the panel's thread, and answered."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from epstudy.core.errors import EpstudyError, InputError
from epstudy.core.glance import Mark
from epstudy.core.outcome import State
from epstudy.notebook import view as views
from epstudy.notebook.picture import Picture

_TOOK = "seconds"  # of the machine, and no result of the building
_MESSAGE = 2000  # characters of a message that travel to the page


def answer(picture: Picture, message: Mapping[str, Any]) -> dict[str, Any]:
    """Do what a message asks for and return the answer; "trouble" in it says why it could not be done."""
    try:
        return {"id": message.get("id"), "do": message.get("do"), **_do(picture, message)}
    except EpstudyError as error:
        return {"id": message.get("id"), "do": message.get("do"), "trouble": str(error)}


def _do(picture: Picture, message: Mapping[str, Any]) -> dict[str, Any]:
    source = picture.source
    match message.get("do"):
        case "cancel":
            source.cancel()
        case "pause":
            source.pause()
        case "resume":
            source.resume()
        case "run":
            source.run()
        case "retry":
            source.retry(_group(picture, message))
        case "slots":
            source.set_slots(_whole(message, "count"))
        case "look":
            return _look_at(picture, _index(picture, message))
        case "log":
            return {"log": source.log_tail(_index(picture, message))}
        case "choose":
            picture.choose(message)
        case other:
            raise InputError(f"a panel does not know {other!r}")
    return {}


def _group(picture: Picture, message: Mapping[str, Any]) -> list[int]:
    """The variants of the group of failures that is named; when none is, all that failed, and nothing cancelled."""
    if "cause" in message:
        found = picture.readings.variants_of(str(message["cause"]), str(message["text"]))
    else:
        found = [int(index) for index in np.flatnonzero(picture.marks == ord(Mark.FAILED))]
    if not found:
        raise InputError("none of them is failed any more")
    return found


def _look_at(picture: Picture, index: int) -> dict[str, Any]:
    outcome = picture.source.outcome(index)
    said: dict[str, Any] = {"index": index, "label": views.label(picture.manifest, index)}
    if outcome is None:
        return said
    if outcome.state is State.DONE:
        units = picture.manifest.metrics
        names = [*units, *(name for name in outcome.metrics if name not in units)]
        known = [name for name in names if math.isfinite(outcome.metrics.get(name, math.nan))]
        if _TOOK in known:
            said["took_s"] = views.number(outcome.metrics[_TOOK])
        rows = [[name, views.number(outcome.metrics[name]), units.get(name, "")] for name in known if name != _TOOK]
        return {**said, "metrics": rows}
    cause = outcome.cause.value if outcome.cause else ""
    return {**said, "cause": cause, "message": outcome.message[:_MESSAGE], "attempts": outcome.attempts}


def _index(picture: Picture, message: Mapping[str, Any]) -> int:
    index = _whole(message, "index")
    if not 0 <= index < len(picture.manifest):
        raise InputError(f"there is no variant {index}; expected one from 0 to {len(picture.manifest) - 1}")
    return index


def _whole(message: Mapping[str, Any], name: str) -> int:
    value = message.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise InputError(f"{name} is {value!r}; expected a whole number")
    return value
