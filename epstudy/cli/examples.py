"""The notebooks that come with epstudy, and how they are copied to where a user works with them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import epstudy
from epstudy.core.errors import InputError

_KINDS = (".ipynb", ".csv")


def example_folder() -> Path:
    """Return the folder of the notebooks: the installed package's, else the checkout's."""
    package = Path(epstudy.__file__).parent
    installed = package / "notebooks"
    return installed if installed.is_dir() else package.parent / "notebooks"


def copy_examples(folder: Path, *, overwrite: bool = False) -> Iterator[str]:
    """Copy every notebook, and the tables that they read, into `folder`; yield a line for each file.

    A file that is there already and differs is left as it is, unless `overwrite` is set.

    Raises
    ------
    InputError
        When the folder cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for source in sorted(path for path in example_folder().iterdir() if path.suffix in _KINDS):
            yield _copy(source, folder / source.name, overwrite)
    except OSError as error:
        text = f"{error.filename or folder} cannot be written: {error.strerror}; name another folder"
        raise InputError(text) from error


def _copy(source: Path, target: Path, overwrite: bool) -> str:
    if target.exists():
        if target.is_file() and target.read_bytes() == source.read_bytes():
            return f"{target} is there already"
        if not overwrite:
            return f"{target} is there already and differs: it was left as it is; --overwrite replaces it"
    shutil.copyfile(source, target)
    return f"{target}"
