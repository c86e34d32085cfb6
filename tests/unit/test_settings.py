"""Settings come from the call, the environment, the project's and the user's file, in this order."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from epstudy.core.contracts import Limits
from epstudy.core.errors import InputError
from epstudy.settings import Settings, machine_memory, mask, report_environment


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("REDIS_URL", "REDIS_PASSWORD_FILE", "STORE", "USER", "WORKERS", "IDLE_S", "SCRATCH"):
        monkeypatch.delenv(f"EPSTUDY_{name}", raising=False)
    monkeypatch.delenv("JUPYTERHUB_USER", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)


def test_without_anything_the_pool_is_private_and_the_store_the_users(tmp_path: Path) -> None:
    settings = Settings.load()
    assert settings.broker_url() is None
    assert settings.store == str(tmp_path / "data" / "epstudy" / "store")
    assert settings.workers is None


def test_the_nearer_source_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "config" / "epstudy").mkdir(parents=True)
    (tmp_path / "config" / "epstudy" / "epstudy.toml").write_text('user = "u1"\nworkers = 1\nidle_s = 1\nstore = "s1"')
    Path("epstudy.toml").write_text('workers = 2\nidle_s = 2.5\nstore = "s2"')
    monkeypatch.setenv("EPSTUDY_IDLE_S", "3")
    monkeypatch.setenv("EPSTUDY_STORE", "s3")
    settings = Settings.load(store="s4")
    assert (settings.user, settings.workers, settings.idle_s) == ("u1", 2, 3.0)
    assert settings.store == str(tmp_path / "s4")


def test_the_hub_says_who_the_user_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTERHUB_USER", "alice")
    assert Settings.load().user == "alice"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("workers = 0", "expected a whole number from 1"),
        ('workers = "many"', "expected a whole number from 1"),
        ("idle_s = -1", "expected a number of seconds"),
        ("memory_gb = 0", "expected a number of gigabytes above 0"),
        ("file_gb = nan", "expected a number of gigabytes above 0"),
        ("clean_after_days = -1", "expected a number of days from 0"),
        ("clean_after_days = inf", "expected a number of days from 0"),
        ("store = 3", "expected a text"),
        ("stroe = 'x'", 'sets "stroe", which is no setting; the settings are'),
        ("store = ", "is not TOML"),
    ],
)
def test_a_wrong_line_is_named(line: str, said: str) -> None:
    Path("epstudy.toml").write_text(line)
    with pytest.raises(InputError, match=f"epstudy.toml.*{said}"):
        Settings.load()


def test_nobody_cleans_unless_a_number_of_days_is_said_be_it_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.load().clean_after_days is None
    assert Settings.load().chores_in_environment() == {}
    Path("epstudy.toml").write_text("clean_after_days = 0")
    chores = Settings.load().chores_in_environment()
    Path("epstudy.toml").unlink()
    for name, value in chores.items():
        monkeypatch.setenv(name, value)
    assert Settings.load().clean_after_days == 0.0


def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EPSTUDY_WORKERS", "two")
    with pytest.raises(InputError, match="EPSTUDY_WORKERS is 'two'"):
        Settings.load()


def test_the_password_comes_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("s3cr:t/@\n")
    monkeypatch.setenv("EPSTUDY_REDIS_URL", "redis://redis:6379/0")
    monkeypatch.setenv("EPSTUDY_REDIS_PASSWORD_FILE", str(tmp_path / "password"))
    assert Settings.load().broker_url() == "redis://:s3cr%3At%2F%40@redis:6379/0"
    assert "s3cr" not in repr(Settings.load())


def test_a_password_file_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EPSTUDY_REDIS_URL", "redis://redis:6379/0")
    monkeypatch.setenv("EPSTUDY_REDIS_PASSWORD_FILE", "nowhere")
    with pytest.raises(InputError, match="EPSTUDY_REDIS_PASSWORD_FILE cannot be read"):
        Settings.load().broker_url()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://:secret@host:6379/0", "redis://:***@host:6379/0"),
        ("rediss://me:secret@host/1", "rediss://me:***@host/1"),
        ("redis://host:6379/0", "redis://host:6379/0"),
        ("unix:///run/r.sock", "unix:///run/r.sock"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, shown: str) -> None:
    assert mask(url) == shown


def test_the_repr_of_settings_shows_no_password() -> None:
    assert "secret" not in repr(Settings.load(redis_url="redis://:secret@host:6379/0"))


def test_limits_are_nine_tenths_of_the_memory_and_twenty_gigabytes(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = Settings.load().limits()
    assert limits.memory_bytes == int(0.9 * machine_memory())
    assert limits.file_bytes == 20_000_000_000
    monkeypatch.setenv("EPSTUDY_MEMORY_GB", "1.5")
    monkeypatch.setenv("EPSTUDY_FILE_GB", "0.25")
    assert Settings.load().limits() == Limits(memory_bytes=1_500_000_000, file_bytes=250_000_000)


@pytest.mark.parametrize(
    ("said", "bytes_"), [("1000000\n", 1_000_000), ("max\n", None), ("9223372036854771712\n", None)]
)
def test_a_container_has_no_more_memory_than_it_may(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str, bytes_: int | None
) -> None:
    (tmp_path / "memory.max").write_text(said)
    monkeypatch.setattr("epstudy.settings._CONTAINER_MEMORY", (tmp_path / "memory.max", tmp_path / "no-such-file"))
    assert machine_memory() == (bytes_ or psutil.virtual_memory().total)


def test_the_kernel_of_a_report_shows_text_and_keeps_the_store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    said = {"EPSTUDY_UI": "text", "EPSTUDY_REPORT_STUDIES": str(tmp_path / "studies")}
    assert report_environment(tmp_path / "studies") == said
    monkeypatch.setenv("EPSTUDY_STORE", "build/store")
    assert report_environment(tmp_path / "studies") == {**said, "EPSTUDY_STORE": str(tmp_path / "build" / "store")}
