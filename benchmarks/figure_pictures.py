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

from epstudy.pool import private_pool
from epstudy.settings import Settings

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "figures.md"
_MOST_KB = 60
#: Dots per inch and colours, the best first: lines without number need more bytes than a map.
_SHARPNESS = ((90, 256), (75, 128), (70, 64), (65, 48), (60, 32))

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
        private_pool.stop(Settings.load())


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
    """Write the figure of one Axes or of several, as sharp as its size in bytes allows."""
    figure = np.atleast_1d(np.asarray(axes, dtype=object)).flat[0].figure
    path.parent.mkdir(parents=True, exist_ok=True)
    for dpi, colours in _SHARPNESS:
        figure.savefig(path, dpi=dpi)
        with Image.open(path) as picture:
            small = picture.convert("RGB").quantize(colours, method=Image.Quantize.MAXCOVERAGE)
        small.save(path, optimize=True)
        if path.stat().st_size <= 1000 * _MOST_KB:
            return
    raise SystemExit(f"{path} has {path.stat().st_size / 1000:.0f} kB; a picture of the docs has at most {_MOST_KB}")


if __name__ == "__main__":
    main()
