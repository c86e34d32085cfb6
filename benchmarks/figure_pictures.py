"""The pictures of docs/figures.md, made by running its lines: `make pictures`.

The studies stand in the page itself: 31 annual runs of the small office and 224 on its design days, some minutes on two
cores. They are kept in build/, so that a second time takes seconds.
"""

from __future__ import annotations

import ast
import os
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from PIL import Image

from epstudy.settings import Settings
from epstudy.workers import local

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "figures.md"
_DPI = 90
_COLOURS = 128
_MOST_KB = 60

#: Lines of code, which stand four spaces in, or the picture of what they gave last.
_BLOCK = re.compile(r"(?P<code>(?:^    .*\n(?:\n*(?=    ))?)+)|^!\[[^\]]*\]\((?P<picture>images/[^)]+)\)", re.MULTILINE)


def main() -> None:
    """Run the page, and write its pictures beside it or into the folder that is given."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else PAGE.parent
    mpl.use("agg")
    os.environ.setdefault("EPSTUDY_STORE", str(ROOT / "build" / "store"))
    try:
        for picture, given in figures(PAGE.read_text(encoding="utf-8")):
            path = folder / picture
            save(given, path)
            print(f"{path}: {path.stat().st_size / 1000:.0f} kB")
    finally:
        local.stop(Settings.load())


def figures(page: str) -> Iterator[tuple[str, Any]]:
    """Run the code of a page in order, and give each picture with what the line before it returned."""
    names: dict[str, Any] = {}
    given: Any = None
    for found in _BLOCK.finditer(page):
        if found["picture"]:
            yield found["picture"], given
        else:
            given = run(textwrap.dedent(found["code"]), names)


def run(code: str, names: dict[str, Any]) -> Any:
    """Run some lines, and return the value of the last one where it has one."""
    parsed = ast.parse(code)
    last = parsed.body[-1]
    if not isinstance(last, ast.Expr):
        exec(compile(parsed, str(PAGE), "exec"), names)
        return None
    parsed.body.pop()
    exec(compile(parsed, str(PAGE), "exec"), names)
    return eval(compile(ast.Expression(last.value), str(PAGE), "eval"), names)


def save(axes: Any, path: Path) -> None:
    """Write the figure of one Axes or of several, with few colours."""
    figure = np.atleast_1d(np.asarray(axes, dtype=object)).flat[0].figure
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=_DPI)
    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(_COLOURS)
    small.save(path, optimize=True)
    size = path.stat().st_size / 1000
    if size > _MOST_KB:
        raise SystemExit(f"{path} has {size:.0f} kB; a picture of the docs has at most {_MOST_KB}")


if __name__ == "__main__":
    main()
