"""Variants: the frame of their labels, and which of them an argument means."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from epstudy.core.errors import InputError
from epstudy.core.manifest import Manifest

if TYPE_CHECKING:
    import pandas as pd

INDEX = "variant"


def variants_frame(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> pd.DataFrame:
    """Return the variants: index "variant" from 0, one column a parameter with its labels."""
    import pandas as pd

    columns = {name: [row[place] for row in rows] for place, name in enumerate(names)}
    return pd.DataFrame(columns, index=pd.RangeIndex(len(rows), name=INDEX), columns=list(names))


def manifest_frame(manifest: Manifest) -> pd.DataFrame:
    """Return the variants of a manifest."""
    rows = [manifest.variant(index).labels for index in range(len(manifest))]
    return variants_frame([axis.name for axis in manifest.axes], rows)


def chosen_variants(manifest: Manifest, variants: Any) -> list[int]:
    """Return the indices that `variants=` of a method means: one, several, a slice; None: all.

    Raises
    ------
    InputError
        When one of them is no variant, or there is none.
    """
    every = range(len(manifest))
    if variants is None or isinstance(variants, slice):
        return list(every[variants or slice(None)])
    given = [variants] if isinstance(variants, str) or not isinstance(variants, Iterable) else list(variants)
    for one in given:
        if not hasattr(one, "__index__") or isinstance(one, bool) or int(one) not in every:
            raise InputError(f"there is no variant {one!r}; the study has variants 0 to {len(manifest) - 1}")
    if not given:
        raise InputError(f"variants is empty; the study has variants 0 to {len(manifest) - 1}, None means all")
    return list(dict.fromkeys(int(one) for one in given))


def checked_variant(manifest: Manifest, variant: int, name: str = "variant", or_else: str = "") -> int:
    """Return the index of a variant.

    Raises
    ------
    InputError
        When it is none; the message calls the argument `name`, and says after "expected" what else it may be.
    """
    last = len(manifest) - 1
    is_number = hasattr(variant, "__index__") and not isinstance(variant, bool)
    if not is_number or not 0 <= int(variant) <= last:
        raise InputError(f"{name} is {variant!r}; expected{or_else} a variant from 0 to {last}")
    return int(variant)


def reference_variant(manifest: Manifest, relative_to: Any) -> int:
    """Return the index of the variant to compare with; "baseline" is that of the untouched model."""
    if relative_to != "baseline":
        return checked_variant(manifest, relative_to, "relative_to", ' "baseline" or')
    if manifest.baseline is None:
        raise InputError(f'study "{manifest.study}" has no baseline; add it with ep.Study(..., baseline=True)')
    return manifest.baseline
