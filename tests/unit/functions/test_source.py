"""A function's code as text: what comes along, what makes no difference, what is refused, what runs elsewhere."""

from __future__ import annotations

import builtins
import contextlib
import functools
import importlib
import json
import math
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell

from epstudy.core.canonical import content_digest
from epstudy.core.errors import EngineError, InputError
from epstudy.functions.source import Code, load_code, read_code

Write = Callable[..., ModuleType]

MEASURE = """
import math
import xml.etree.ElementTree
from numpy import exp
import numpy as np

R_VALUES = {"roof": [1.5, np.float64(2.5)], "wall": (3,), None: {"b", "a", "c"}, "far": -float("inf")}
scale = 2

def resistance(name, factor=scale):
    return sum(R_VALUES[name]) * factor

def even(n):
    return True if n == 0 else odd(n - 1)

def odd(n):
    return False if n == 0 else even(n - 1)

scale = 100
thermal = resistance

def insulate(model, value, *, surfaces=("roof", "wall")):
    layers = [thermal(name) + value for name in surfaces]
    def total(start):
        nonlocal layers
        layers = [start, *layers]
        return sum(layers)
    tag = xml.etree.ElementTree.fromstring("<Model/>").tag
    return [total(1), math.pi, float(exp(0)), tag, even(4), sorted(R_VALUES[None]), R_VALUES["far"] < 0, f"{value:.1f}"]
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Writes a module beside the notebook and imports it; the same name again is another module."""
    folder = tmp_path / "beside"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)

    def write(text: str, name: str = "measures") -> ModuleType:
        (folder / f"{name}.py").write_text(text)
        sys.modules.pop(name, None)
        importlib.invalidate_caches()
        return importlib.import_module(name)

    yield write
    for name in set(sys.modules) - before:
        if str(folder) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


@pytest.fixture
def new_shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[], InteractiveShell]]:
    """Makes the shell of a notebook, with nothing in it."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    shells: list[InteractiveShell] = []
    before = set(vars(builtins))

    def new_shell() -> InteractiveShell:
        shells.append(InteractiveShell())
        shells[-1].history_manager.enabled = False
        return shells[-1]

    yield new_shell
    for shell in shells:
        shell.restore_sys_module_state()
    for name in set(vars(builtins)) - before:
        delattr(builtins, name)


def run(shell: InteractiveShell, cell: str) -> None:
    shell.run_cell(cell, store_history=False).raise_error()


def in_fresh_process(code: Code, *arguments: Any) -> Any:
    script = (
        "import json, sys\n"
        "from epstudy.functions.source import Code, load_code\n"
        "code, arguments = json.load(sys.stdin)\n"
        "print(json.dumps(load_code(Code.from_json(code))(*arguments)))\n"
    )
    given = json.dumps([code.to_json(), arguments])
    done = subprocess.run([sys.executable, "-c", script], input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def said_anew(code: Code, text: str) -> Code:
    """The same function with another text, honestly hashed."""
    return Code(code.kind, code.name, text, content_digest(f"{code.name}\n{text}".encode()))


def test_a_function_with_all_it_uses_gives_the_same_in_another_process(write: Write) -> None:
    insulate = write(MEASURE).insulate
    assert in_fresh_process(read_code(insulate), "model", 0.5) == insulate("model", 0.5)


def test_code_is_plain_json(write: Write) -> None:
    code = read_code(write(MEASURE).insulate)
    assert Code.from_json(json.loads(json.dumps(code.to_json()))) == code
    assert (code.kind, code.name) == ("source", "insulate")


@pytest.mark.parametrize("said", [{}, {"kind": "pickle", "name": "f", "text": "", "digest": ""}, {"kind": "source"}])
def test_what_is_no_code_is_refused(said: dict[str, str]) -> None:
    with pytest.raises(InputError, match="expected the texts kind"):
        Code.from_json(said)


def test_comments_blank_lines_docstrings_and_annotations_make_no_difference(write: Write) -> None:
    bare = write("def f(model, value):\n    x = value * 2\n    return x\n").f
    full = write(
        "from __future__ import annotations\n# why\n\n"
        "def f(model: Document, value: float) -> Nothing:\n"
        "    '''What it does.'''\n\n    x: Unknown = value * 2  # twice\n    return (x)\n",
        "commented",
    ).f
    assert read_code(bare) == read_code(full)


def test_another_number_anywhere_is_another_digest(write: Write) -> None:
    text = "K = 2\ndef h(x, y=3):\n    return K * x + y\ndef f(model, value):\n    return h(value) + 4\n"
    digests = {read_code(write(text.replace(old, "7")).f).digest for old in ("none", "2", "3", "4")}
    assert len(digests) == 4


def test_the_digest_does_not_depend_on_the_hash_seed(write: Write, tmp_path: Path) -> None:
    module = write(MEASURE)
    script = "import measures, epstudy.functions.source as s; print(s.read_code(measures.insulate).digest)"
    digests = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(tmp_path / "beside")},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert digests == {read_code(module.insulate).digest}


def test_names_without_a_value_stay_local(write: Write) -> None:
    code = read_code(write("x = 1\ndef f(model, value):\n    x: int\n    return x\n").f)
    with pytest.raises(UnboundLocalError):
        load_code(code)(None, None)


def test_values_are_of_the_moment_of_the_call(write: Write) -> None:
    module = write("limits = [1]\ndef f(model, value):\n    return limits\n")
    early = read_code(module.f)
    module.limits.append(2)
    assert load_code(early)(None, None) == [1]
    assert load_code(read_code(module.f))(None, None) == [1, 2]


def test_defaults_in_a_loop_are_bound_early(write: Write) -> None:
    module = write(
        "made = []\nfor k in (1, 2):\n    def f(model, value, k=k, *, n=-k):\n        return k, n\n    made.append(f)\n"
    )
    assert [load_code(read_code(f))(None, None) for f in module.made] == [(1, -1), (2, -2)]


def test_the_values_of_a_function_around_come_along(write: Write) -> None:
    module = write(
        "def make(k):\n    def again(n):\n        return n and again(n - 1) + k\n"
        "    def f(model, value):\n        return again(value)\n    return f\n"
    )
    codes = [read_code(module.make(k)) for k in (2, 3)]
    assert [load_code(code)(None, 4) for code in codes] == [8, 12]
    assert codes[0].digest != codes[1].digest


def test_one_name_for_two_values_is_refused(write: Write) -> None:
    write("K = 3\ndef helper(x):\n    return K * x\n", "other")
    module = write("from other import helper\nK = 2\ndef f(model, value):\n    return helper(K)\n")
    with pytest.raises(InputError, match=r'"K" is two things .*: K = 2 and K = 3; rename one'):
        read_code(module.f)


def test_a_helper_named_as_a_builtin_is_refused_where_another_means_the_builtin(write: Write) -> None:
    write("def max(x):\n    return -x\ndef low(x):\n    return max(x)\n", "other")
    module = write("from other import low\ndef f(model, value):\n    return low(value) + max(1, 2)\n")
    with pytest.raises(InputError, match='"max" is two things'):
        read_code(module.f)


def test_numbers_of_numpy_are_numbers(write: Write) -> None:
    text = "import numpy as np\nK = {}\ndef f(model, value):\n    return K\n"
    plain, wrapped = (
        read_code(write(text.format(k)).f) for k in ("[2.5, 3, True]", "[np.float64(2.5), np.int32(3), np.True_]")
    )
    assert plain == wrapped


def test_imports_are_pinned_to_their_versions(write: Write) -> None:
    code = read_code(write("import numpy as np\ndef f(model, value):\n    import yaml\n    return np.pi\n").f)
    assert code.text.startswith("# PyYAML ")
    assert f"# numpy {np.__version__}\nimport numpy as np\n" in code.text
    elsewhere = said_anew(code, code.text.replace(np.__version__, "1.0"))
    with pytest.raises(EngineError, match=f'"f" was captured with numpy 1.0, and this process has {np.__version__}'):
        load_code(elsewhere)
    with pytest.raises(EngineError, match=r"nosuch 1\.0, and this process has none"):
        load_code(said_anew(code, "# nosuch 1.0\n" + code.text))


def test_a_module_beside_the_notebook_is_refused_and_its_function_is_not(write: Write) -> None:
    write("def helper(x):\n    return x + 1\n", "beside_it")
    for text in (
        "import beside_it as b\ndef f(model, value):\n    return b.helper(value)\n",
        "def f(model, value):\n    from beside_it import helper\n    return helper(value)\n",
        "def f(model, value):\n    import beside_it\n    return beside_it.helper(value)\n",
    ):
        with pytest.raises(InputError, match=r'"beside_it", which is no installed package.* "from beside_it import'):
            read_code(write(text).f)
    taken = write("from beside_it import helper\ndef f(model, value):\n    return helper(value)\n").f
    assert in_fresh_process(read_code(taken), None, 1) == 2


REFUSED = {
    "table = pd.DataFrame({'a': [1]})": "table.* is an object of type .DataFrame.; make it a list",
    "table = np.zeros(3)": ".ndarray.; make it a list",
    "table = np.longdouble(1)": ".longdouble.; make it a list",
    "table = json.scanner.py_make_scanner(json.JSONDecoder())": "is made inside of an installed package",
    "table = [np.array(1.0)]": "is a list with an object of type .ndarray.",
    "table = Path('schedule.csv')": "a path: the content of a file there would be no part of the key",
    "table = float('nan')": "NaN",
    "table = []; table.append(table)": "a list that holds itself",
    "table = lambda x: x": "a lambda; give it a name with def",
    "table = [len]": "no function written in Python",
    "table = [round_up]": "a list with a function; call it by its own name",
    "table = (n for n in [1])": "a generator; make it a list",
    "table = functools.partial(round_up)": "functools.partial; write a def",
    "table = functools.lru_cache(round_up)": "decorated",
    "table = contextlib.contextmanager(round_up)": "decorated",
    "table = ''.join": "no function written in Python",
    "table = Building().grow": "a method of an object",
    "table = Building.grow": "a method",
    "table = Building": "a class; write functions",
    "table = Building()": "of type .Building.; expected a number.*make anything else inside of the function",
    "table = datetime.date(2026, 1, 1)": "of type .date.; expected a number",
    "table = io.StringIO()": "an open file",
    "table = open": "the content of a file would be no part of the key",
    "table = eval": r"uses eval\(\), which runs or reads what the key does not see",
    "table = __name__; __name__ = 'x'; round_up.kept = 1; table = round_up": "has attributes .kept.",
    "table = types.ModuleType('odd')": '"odd" does not import it',
    "table = sys.modules['__main__']": '"__main__", which is no installed package',
    "del table": '"table", which "f" uses, is not defined; did you mean "tabel"',
}

SURROUNDINGS = """
import contextlib, datetime, functools, io, json.scanner, sys, types
from pathlib import Path
import numpy as np
import pandas as pd
def round_up(x):
    return x
class Building:
    def grow(self):
        return 1
tabel = table = 0
{}
def f(model, value):
    return table
"""


@pytest.mark.parametrize("line", REFUSED)
def test_what_no_text_can_pin_is_refused_with_the_reason(write: Write, line: str) -> None:
    with pytest.raises(InputError, match=REFUSED[line]):
        read_code(write(SURROUNDINGS.format(line)).f)


FORMS = {
    "f = lambda model, value: 1": "the function is a lambda; give it a name",
    "f = [same]": "the function is an object of type .list.; expected a function",
    "def f(m, v):\n    yield 1": "generator",
    "async def f(m, v):\n    return 1": "async",
    "@functools.cache\ndef f(m, v):\n    return 1": "decorated",
    "@same\ndef f(m, v):\n    return 1": '"f" is decorated',
    "def f(m, v):\n    global k\n    k = 1": 'says "global k"',
    "def f(m, v):\n    class A:\n        pass": 'defines a class, "A"',
    "def f(m, v):\n    return __file__": '"__file__", which is of its own module',
    "def f(m, v):\n    from . import x": "no installed package",
    "def make(k):\n    def f(m, v):\n        nonlocal k\n        k = 1\n    return f\nf = make(0)": "a name outside",
    "def make():\n    def f(m, v):\n        return k\n    return f\n    k = 1\nf = make()": '"k", .* is not defined',
    "class A:\n    def f(m, v):\n        return 1\nf = A.f": "a method",
    "k = 1\ndef f(m, v):\n    k: 'x' = sys\n    return k": '"sys", which "f" uses, is not defined',
    "def f(m, v, at=Path('x')):\n    return 1": '"f" has a default that is a path',
    "exec('def f(m, v):\\n    return 1')": 'the source of "f" is not found',
    "f = functools.partial(same, 1)": "functools.partial",
    "f = len": "no function written in Python",
    "f = dict": "a class",
    "f = 3": "the function is an object of type .int.; expected a function written with def, or the text",
}


@pytest.mark.parametrize("text", FORMS)
def test_a_measure_is_a_plain_function(write: Write, text: str) -> None:
    start = "import functools\nfrom pathlib import Path\ndef same(f):\n    return f\n"
    with pytest.raises(InputError, match=FORMS[text]):
        read_code(write(start + text + "\n").f)


CHANCE = {
    "def f(m, v):\n    return random.random()": r"random\.random: another run .* under the same key; use random.Random",
    "def f(m, v):\n    import random as r\n    return r.choice(v)": r"random\.choice",
    "def f(m, v):\n    from random import gauss\n    return gauss(0, 1)": r"random\.gauss",
    "def f(m, v):\n    return random.Random().random()": r"random\.Random\(\): .* write random.Random\(seed\)",
    "def f(m, v):\n    return np.random.default_rng(None).random()": r"numpy\.random\.default_rng\(\)",
    "def f(m, v):\n    return default_rng().random()": r"numpy\.random\.default_rng\(\)",
    "def f(m, v):\n    return np.random.normal(v)": r"numpy\.random\.normal.* use numpy.random.default_rng\(seed\)",
    "def h(v):\n    return np.random.rand()\ndef f(m, v):\n    random.seed(1)\n    return h(v)": '"h" uses numpy',
    "def f(m, v):\n    return time.time()": r"time\.time: .* give it by the levels",
    "def f(m, v):\n    return datetime.datetime.now()": r"datetime\.datetime\.now",
    "def f(m, v):\n    return date.today()": r"datetime\.date\.today",
    "def f(m, v):\n    return pd.Timestamp.now()": r"pandas\.Timestamp\.now",
    "def f(m, v):\n    return os.environ['LPD']": r"os\.environ: .* look it up before",
    "def f(m, v):\n    return getenv('LPD')": r"os\.getenv",
    "def f(m, v):\n    return os.path.exists(v)": r"os\.path\.exists",
    "def f(m, v):\n    import uuid\n    return uuid.uuid4()": r"uuid\.uuid4",
    "def f(m, v):\n    import threading\n    return threading.Thread()": r"threading\.Thread",
    "def f(m, v):\n    from pyarrow import parquet\n    return parquet.read_table(v)": r"pyarrow\.parquet\.read_table",
    "def f(m, v):\n    return pd.read_parquet(v)": r"pandas\.read_parquet.* read it before",
    "def f(m, v):\n    return read_parquet(v)": r"pandas\.read_parquet",
    "def f(m, v):\n    return hash(v)": r"uses hash\(\), which is another number in every process",
}
SEEDED = [
    "def f(m, v):\n    return random.Random(v).random() + np.random.default_rng(seed=1).random()",
    "def f(m, v):\n    random.seed(v)\n    np.random.seed(1)\n    return random.random() + np.random.rand()",
    "def h():\n    return random.random()\ndef f(m, v):\n    random.seed(v)\n    return h()",
    "def f(m, random):\n    time = {}\n    return random.random() + datetime.datetime(2026, 1, 1).year",
    "def f(m, v):\n    return os.path.join('a', v), time.perf_counter(), isinstance(v, random.Random)",
]
ASKING = """
import datetime, os, random, time
from datetime import date
from os import getenv
import numpy as np
import pandas as pd
from numpy.random import default_rng
from pandas import read_parquet
"""


@pytest.mark.parametrize("text", CHANCE)
def test_chance_and_the_clock_gave_another_result_under_the_same_key(write: Write, text: str) -> None:
    with pytest.raises(InputError, match=CHANCE[text]):
        read_code(write(ASKING + text + "\n").f)


@pytest.mark.parametrize("text", SEEDED)
def test_what_starts_from_a_seed_is_no_chance(write: Write, text: str) -> None:
    assert read_code(write(ASKING + text + "\n").f).kind == "source"


def test_a_file_edited_since_its_import_is_refused(write: Write) -> None:
    module = write("def f(model, value):\n    return 1\n")
    Path(str(module.__file__)).write_text("def f(model, value):\n    return 22\n")
    with pytest.raises(InputError, match="is not what runs; reload it"):
        read_code(module.f)
    Path(str(module.__file__)).write_text("# only a comment more\ndef f(model, value):\n    return 1\n")
    assert load_code(read_code(module.f))(None, None) == 1
    Path(str(module.__file__)).write_text("def f(model, value:\n")
    with pytest.raises(InputError, match="is not what runs; reload it"):
        read_code(module.f)


def test_a_function_that_was_given_other_code_is_refused(write: Write) -> None:
    module = write("def f(model, value):\n    return 1\ndef g(model, value):\n    return 2\n")
    module.f.__code__ = module.g.__code__.replace(co_name="f", co_qualname="f")
    with pytest.raises(InputError, match="is not what runs"):
        read_code(module.f)


def test_a_text_outside_of_a_docstring_does_not_move_with_its_indentation(write: Write) -> None:
    module = write(
        'def make():\n    def f(model, value):\n        return """\n# numpy 0\n  a"""\n    return f\nf = make()\n'
    )
    assert load_code(read_code(module.f))(None, None) == "\n# numpy 0\n  a"


def test_an_f_string_over_several_lines_runs_as_it_is(write: Write) -> None:
    module = write("def f(model, value):\n    return f'''{\"\"\"\n# numpy 0\n\"\"\".join('ab')}'''\n")
    assert load_code(read_code(module.f))(None, None) == "a\n# numpy 0\nb"


def test_an_f_string_that_python_cannot_write_down_is_refused(write: Write) -> None:
    module = write("def f(model, value):\n    return f'{\"\x7f\"}'\n")
    if sys.version_info >= (3, 12):  # the f-strings of PEP 701 hold any text
        assert load_code(read_code(module.f))(None, None) == "\x7f"
    else:
        with pytest.raises(InputError, match='"f" has no exact text'):
            read_code(module.f)


def test_the_newest_definition_in_a_notebook_counts(new_shell: Callable[[], InteractiveShell]) -> None:
    shell = new_shell()
    run(shell, "def f(model, value):\n    return 'old'")
    run(shell, "def f(model, value):\n    return 'new'")
    assert load_code(read_code(shell.user_ns["f"]))(None, None) == "new"


def test_a_notebook_brings_its_earlier_cells(new_shell: Callable[[], InteractiveShell]) -> None:
    shell = new_shell()
    run(shell, "from __future__ import annotations\nfactor = 2")
    run(shell, "%matplotlib --list\ndef helper(x: Unknown) -> float:\n    return factor * x")
    run(shell, "def f(model, value):\n    return helper(value)\nf")
    early = read_code(shell.user_ns["f"])
    run(shell, "factor = 3")
    late = read_code(shell.user_ns["f"])
    assert in_fresh_process(early, None, 5) == 10
    assert load_code(late)(None, 5) == 15
    assert early.digest != late.digest


def test_the_same_cells_in_two_notebooks_have_the_same_digest(new_shell: Callable[[], InteractiveShell]) -> None:
    codes = []
    for before in ("", "import scipy.optimize\nunrelated = 1"):
        shell = new_shell()
        run(shell, before)
        run(shell, "import scipy\nlevels = {'b', 'a'}")
        run(shell, f"# {before!r}\ndef f(model, value):\n    return levels, scipy.optimize.brentq")
        codes.append(read_code(shell.user_ns["f"]))
    assert codes[0] == codes[1]
    assert "import scipy.optimize" in codes[0].text


def test_a_misspelt_name_is_named(new_shell: Callable[[], InteractiveShell]) -> None:
    shell = new_shell()
    run(shell, "insulation_thickness = 1\ndef f(model, value):\n    return [insulation_thicknes for _ in [1]]")
    with pytest.raises(
        InputError, match=r'"insulation_thicknes".* is not defined; did you mean "insulation_thickness"'
    ):
        read_code(shell.user_ns["f"])


def test_display_comes_from_its_package_and_open_is_refused(new_shell: Callable[[], InteractiveShell]) -> None:
    shell = new_shell()
    run(shell, "def f(model, value):\n    return open(value)\ndef g(model, value):\n    display(value)")
    with pytest.raises(InputError, match="no part of the key"):
        read_code(shell.user_ns["f"])
    assert "import display as display" in read_code(shell.user_ns["g"]).text


def test_a_function_of_an_installed_package_is_imported() -> None:
    code = read_code(pd.read_json)
    assert (code.kind, code.name) == ("import", "read_json")
    assert code.text.endswith(":read_json")
    assert load_code(code) is pd.read_json
    assert read_code("json:dumps") == read_code(json.dumps)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("json", "names no function; expected"),
        ("json:JSONEncoder.encode", "names no function; expected"),
        (".json:dumps", "names no function; expected"),
        ("jsn_nowhere:dumps", '"jsn_nowhere" of "jsn_nowhere:dumps" cannot be imported: ModuleNotFoundError'),
        ("broken:f", "cannot be imported: ZeroDivisionError"),
        ("json:dump_s", '"json" has no function "dump_s"; did you mean "dumps"'),
        ("json:JSONEncoder", '"json:JSONEncoder" is a class'),
        ("math:sqrt", "no function written in Python"),
        ("numpy:exp", "of type .ufunc.; expected a function"),
        ("heapq:merge", "generator"),
    ],
)
def test_a_target_that_is_no_function_is_refused(write: Write, target: str, message: str) -> None:
    with contextlib.suppress(ZeroDivisionError):
        write("1 / 0", "broken")
    with pytest.raises(InputError, match=message):
        read_code(target)


def test_two_functions_of_one_file_have_two_digests() -> None:
    assert read_code("json:dumps").digest != read_code("json:dump").digest


def test_a_target_depends_on_every_file_it_imports(write: Write) -> None:
    write("K = 1\n", "constants")
    write("from constants import K\ndef f(model, value):\n    return K\n")
    early = read_code("measures:f")
    assert load_code(early)(None, None) == 1
    write("K = 2\n", "constants")
    late = read_code("measures:f")
    assert late.digest != early.digest
    assert load_code(early)(None, None) == 1  # what this process has loaded
    with pytest.raises(EngineError, match='"measures:f" was edited after this process loaded it'):
        load_code(late)
    write("from constants import K\ndef f(model, value):\n    return K\n")
    assert load_code(late)(None, None) == 2
    with pytest.raises(EngineError, match="another function here than the one the study was made with"):
        load_code(early)


def test_a_target_missing_on_the_worker_is_an_engine_error() -> None:
    with pytest.raises(EngineError, match="cannot be loaded here"):
        load_code(Code("import", "f", "nowhere_at_all:f", "0" * 64))


def test_a_text_that_was_tampered_with_does_not_run(write: Write) -> None:
    code = read_code(write("def f(model, value):\n    return 1\n").f)
    with pytest.raises(EngineError, match='the text of "f" is not the one the study was made with'):
        load_code(Code(code.kind, code.name, code.text.replace("1", "2"), code.digest))


def test_a_text_that_this_python_cannot_read_or_import_is_an_engine_error(write: Write) -> None:
    code = read_code(write("def f(model, value):\n    return 1\n").f)
    with pytest.raises(EngineError, match=r"Python 3\.\d+\.\d+ on this worker cannot read"):
        load_code(said_anew(code, code.text + "new syntax"))
    with pytest.raises(EngineError, match='"f" cannot be loaded here: No module named'):
        load_code(said_anew(code, "import nowhere_at_all\n" + code.text))


def test_what_one_variant_appends_reaches_no_other(write: Write) -> None:
    code = read_code(
        write(
            "seen = []\ndef f(model, value, own=[]):\n"
            "    own.append(value)\n    seen.append(value)\n    return seen + own\n"
        ).f
    )
    assert [load_code(code)(None, value) for value in (1, 2)] == [[1, 1], [2, 2]]


def test_a_traceback_shows_the_line_that_failed(write: Write) -> None:
    function = load_code(read_code(write("def f(model, value):\n    return model.roofs / value\n").f))
    with pytest.raises(AttributeError) as caught:
        function(1, 0)
    shown = "".join(traceback.format_exception(caught.value))
    assert "return model.roofs / value" in shown
    assert "<f of the study, " in shown


def test_infinities_and_signs_come_through(write: Write) -> None:
    module = write(
        "K = [float('inf'), -float('inf'), -0.0, b'\\x00', '\\u2028\\ud800', (), set(), frozenset({frozenset()})]\n"
        "def f(model, value, k=K):\n    return k, K\n"
    )
    for back in load_code(read_code(module.f))(None, None):
        assert back == module.K
        assert math.copysign(1, back[2]) == -1
        assert list(map(type, back)) == list(map(type, module.K))


def test_a_function_wrapped_by_hand_is_what_runs(write: Write) -> None:
    """Not what it wraps: functools.wraps makes inspect show the other one."""
    wrapped = functools.wraps(json.dumps)(write("def f(model, value):\n    return 1\n").f)
    with pytest.raises(InputError, match="decorated"):
        read_code(wrapped)
