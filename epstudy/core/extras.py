"""What a plain `pip install epstudy` leaves out: which extra brings it, and the error where it is needed."""

from __future__ import annotations

from importlib.util import find_spec

from epstudy.core.errors import MissingExtraError

EXTRAS: dict[str, tuple[str, ...]] = {
    "analysis": ("matplotlib", "optuna", "SALib", "sklearn", "xarray"),
    "report": ("ipykernel", "jupyter_client", "nbconvert", "nbformat", "papermill"),
}
"""The modules that each extra brings. A worker needs none of them."""


def has_extra(name: str) -> bool:
    """Say whether all modules of an extra are installed."""
    return all(find_spec(module) is not None for module in EXTRAS[name])


def require(*modules: str) -> None:
    """Raise unless these modules, each of some extra, are installed.

    Raises
    ------
    MissingExtraError
        When one is not; the message names the extra that brings it.
    """
    for module in modules:
        if find_spec(module) is None:
            extra = next(name for name, brought in EXTRAS.items() if module in brought)
            raise MissingExtraError(module, extra)
