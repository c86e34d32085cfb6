"""What a function asks of chance, of the clock and of the machine: told from its source, where that can be seen."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from types import ModuleType

from epstudy.core.errors import InputError

_CLOCK = "write the moment down as text, or give it by the levels"
_MACHINE = "look it up before, and give what is needed of it by the levels"

_FILE = "read it before, and give what is needed of it by the levels, or as a list or a dict"
_READERS = (
    "parquet.read_table parquet.read_pandas parquet.ParquetFile csv.read_csv feather.read_table memory_map OSFile"
)

#: What gives another answer each time or each place, and what to do instead. Of what reads files only that is here
#: which Python itself does not see.
_OUTSIDE = {
    **dict.fromkeys((f"pyarrow.{name}" for name in _READERS.split()), _FILE),
    **dict.fromkeys((f"pandas.{name}" for name in ("read_parquet", "read_orc", "read_hdf")), _FILE),
    **dict.fromkeys(("h5py.File", "netCDF4.Dataset", "xarray.open_dataset"), _FILE),
    **dict.fromkeys(("time.time", "time.time_ns", "time.localtime", "time.gmtime", "time.ctime"), _CLOCK),
    **dict.fromkeys(("datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today"), _CLOCK),
    **dict.fromkeys(("datetime.date.today", "pandas.Timestamp.now", "pandas.Timestamp.today"), _CLOCK),
    **dict.fromkeys(("os.environ", "os.environb", "os.getenv", "os.getcwd", "os.getpid"), _MACHINE),
    **dict.fromkeys(("os.path.exists", "os.path.isfile", "os.path.isdir", "os.path.getmtime"), _MACHINE),
    **dict.fromkeys(("os.listdir", "os.scandir", "os.walk", "glob.glob", "socket.gethostname"), _MACHINE),
    **dict.fromkeys(("os.urandom", "uuid.uuid1", "uuid.uuid4", "random.SystemRandom"), "use random.Random(seed)"),
}

#: Modules of which nothing gives the same twice.
_MODULES = {
    "secrets": "use random.Random(seed)",
    **dict.fromkeys(("threading", "multiprocessing", "concurrent"), "do one thing after the other"),
}

#: Generators that start the same from a seed; without one they start anywhere.
_SEEDED = {
    "random": ("Random", "random.Random(seed)"),
    "numpy.random": (
        "default_rng|RandomState|SeedSequence|PCG64|PCG64DXSM|MT19937|Philox|SFC64",
        "numpy.random.default_rng(seed)",
    ),
}
_NO_CHANCE = ("numpy.random.Generator", "numpy.random.BitGenerator", "numpy.random.bit_generator")


class Chance:
    """What the functions of one little module use, function after function, and the seeds that they set."""

    def __init__(self) -> None:
        self._unseeded: dict[str, str] = {}
        self._seeds: set[str] = set()

    def look(self, definition: ast.AST, values: Mapping[str, object]) -> None:
        """Look at a function; `values` has what its names outside of it mean.

        Raises
        ------
        InputError
            When it asks for what is never the same.
        """
        user = getattr(definition, "name", "")
        for dotted, call in _used(definition, values):
            module, _, name = dotted.rpartition(".")
            if instead := _OUTSIDE.get(dotted) or (module and _MODULES.get(dotted.partition(".")[0])):
                raise InputError(_message(user, dotted, instead))
            has_seed = call is not None and any(
                not isinstance(given, ast.Constant) or given.value is not None
                for given in (*call.args, *(keyword.value for keyword in call.keywords))
            )
            if name == "seed" and has_seed:
                self._seeds.add(module)
            elif module in _SEEDED and dotted not in _NO_CHANCE:
                generators, instead = _SEEDED[module]
                if not re.fullmatch(generators, name):
                    self._unseeded.setdefault(module, _message(user, dotted, f"use {instead}"))
                elif call is not None and not has_seed:
                    raise InputError(_message(user, f"{dotted}()", f"write {instead}"))

    def refuse(self) -> None:
        """Raise InputError for the first function of a module's own generator that no function gave a seed."""
        for module, message in self._unseeded.items():
            if module not in self._seeds:
                raise InputError(message)


def _message(user: str, dotted: str, instead: str) -> str:
    return f'"{user}" uses {dotted}: another run would give another result under the same key; {instead}'


def _used(definition: ast.AST, values: Mapping[str, object]) -> Iterator[tuple[str, ast.Call | None]]:
    """Every name of a module that the function uses, in full, and the call of it if it is called."""
    meanings = {name: _full_name(value) for name, value in values.items()}
    for node in ast.walk(definition):
        if isinstance(node, ast.Import):
            roots = [one.name.partition(".")[0] for one in node.names]
            meanings |= {
                one.asname or root: one.name if one.asname else root
                for one, root in zip(node.names, roots, strict=True)
            }
        elif isinstance(node, ast.ImportFrom):
            meanings |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
    calls = {id(node.func): node for node in ast.walk(definition) if isinstance(node, ast.Call)}
    for node in ast.walk(definition):
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
            root, *path = ast.unparse(node).split(".")
            if meanings.get(root) and all(map(str.isidentifier, path)):
                yield _plain(".".join([meanings[root], *path])), calls.get(id(node))


def _full_name(value: object) -> str:
    if isinstance(value, ModuleType):
        return value.__name__
    module = getattr(value, "__module__", None)
    name = getattr(value, "__qualname__", None)
    return f"{module}.{name}" if isinstance(module, str) and isinstance(name, str) else ""


def _plain(dotted: str) -> str:
    """The public name: posix.urandom is os.urandom, numpy.random._generator.default_rng numpy.random.default_rng."""
    dotted = re.sub(r"^pandas\.io\.\w+\.", "pandas.", dotted)
    dotted = re.sub(r"^(posix|nt)(path)?\.", lambda found: "os.path." if found[2] else "os.", dotted)
    return re.sub(r"^numpy\.random\.(_\w+|mtrand|bit_generator)\.", "numpy.random.", dotted)
