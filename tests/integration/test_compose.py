"""The group's pool of docker-compose.yml: its services' own commands and environments, as processes on loopback.

No container engine is needed: replaced is only what a container would provide, which is the name and the port of the
Redis, the address to listen at, the mounted folders and secrets, and the programs on PATH. What the images hold is not
seen here.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shlex
import signal
import socket
import string
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis
import yaml
from redis.backoff import NoBackoff
from redis.retry import Retry

import epstudy as ep
from epstudy.pool import pool
from epstudy.processes import redis_server
from epstudy.settings import Settings
from epstudy.store import Store
from tests.support.offices import LPD, U_VALUE, alive, quick, until

ROOT = Path(__file__).parents[2]
PATH = f"{Path(sys.executable).parent}:{os.defpath}"
# Redis writes another text over its command line as soon as it runs: what it was started with is written down before.
RECORDER = """#!/bin/sh
echo "{program} $*" >> {arguments}
exec {words} "$@"
"""
# What the health check asks of Redis' own redis-cli, which is in the image.
PING = """
import os, sys
import redis

port = sys.argv[sys.argv.index("-p") + 1]
print("PONG" if redis.Redis(port=int(port), password=os.environ["REDISCLI_AUTH"]).ping() else "")
"""


class Interpolation(string.Template):
    """`$$`, `$NAME`, `${NAME}` and `${NAME:-default}`, as compose has them; another `$` is an error."""

    idpattern = r"(?a:[_a-zA-Z][_a-zA-Z0-9]*)"
    braceidpattern = r"(?a:[_a-zA-Z][_a-zA-Z0-9]*(?::-[^}]*)?)"


class Variables(dict[str, str]):
    """Variables by name, and by `name:-default`; one that is unset and has no default is an error."""

    def __missing__(self, expression: str) -> str:
        name, colon, default = expression.partition(":-")
        if not colon:
            raise KeyError(name)
        return self.get(name) or default


def interpolated(value: Any, variables: Variables) -> Any:
    if isinstance(value, dict):
        return {name: interpolated(item, variables) for name, item in value.items()}
    if isinstance(value, list):
        return [interpolated(item, variables) for item in value]
    return Interpolation(value).substitute(variables) if isinstance(value, str) else value


def compose_file(**variables: str) -> dict[str, Any]:
    """Return docker-compose.yml as compose reads it with these variables set."""
    read: dict[str, Any] = interpolated(yaml.safe_load((ROOT / "docker-compose.yml").read_text()), Variables(variables))
    return read


class Group:
    """The services of docker-compose.yml in a folder: one Redis and some workers."""

    def __init__(self, folder: Path, workers: int) -> None:
        self.folder = folder
        self.password = secrets.token_hex(32)
        self.password_file = folder / "password"
        self.password_file.write_text(f"{self.password}\n")
        self.store = folder / "store"
        self.compose = compose_file(
            EPSTUDY_STORE=str(self.store),
            EPSTUDY_REDIS_DATA=str(folder / "redis"),
            EPSTUDY_REDIS_PASSWORD_FILE=str(self.password_file),
        )
        self.arguments = folder / "arguments"
        for name in ("store", "redis", "tmp", "bin"):
            (folder / name).mkdir()
        self._put_on_path("redis-server", redis_server()[0])
        self._put_on_path("redis-cli", sys.executable, "-c", PING)
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.services = ["redis", *["worker"] * workers]
        self._running: list[psutil.Popen] = []

    def up(self) -> None:
        """Start the Redis, and the workers as soon as it is healthy; return when the pool knows each of them."""
        for name in self.services:
            if name == "worker":
                until(self._redis_is_healthy)
            with (self.folder / "log").open("ab") as log:
                self._running.append(psutil.Popen(**self.order(name), stdout=log, stderr=log, start_new_session=True))
        until(lambda: len(self._workers()) == self.services.count("worker"))

    def down(self) -> None:
        """Stop the services as compose does, who needs another one first; each ends as one that was asked to."""
        for process in reversed(self._running):
            process.send_signal(signal.SIGTERM)
            assert process.wait() == 0, self.log()
        self._running.clear()

    def kill(self) -> None:
        """End whatever is left."""
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):  # it ended with another one
                process.kill()
        for started in self._running:
            started.wait()

    def order(self, name: str) -> dict[str, Any]:
        """How to start a service."""
        command = self.compose["services"][name]["command"]
        return {"args": command, "env": self.environment(name), "cwd": self.folder, "stdin": subprocess.DEVNULL}

    def environment(self, name: str) -> dict[str, str]:
        """The environment of a service, with this machine's name for what a container would provide."""
        service = self.compose["services"][name]
        here = {mount["target"]: mount["source"] for mount in service["volumes"]}
        here |= {f"/run/secrets/{secret}": self.compose["secrets"][secret]["file"] for secret in service["secrets"]}
        here |= {"redis://redis:6379/0": self.url, "6379": str(self.port), "0.0.0.0": "127.0.0.1"}
        own = {variable: here.get(value, value) for variable, value in service["environment"].items()}
        path = f"{self.folder / 'bin'}:{PATH}"
        return {**own, "PATH": path, "HOME": str(self.folder), "TMPDIR": str(self.folder / "tmp")}

    def processes(self) -> list[psutil.Process]:
        """What was started, all that these started, and whoever has their environment, whatever its parent is now."""
        started = [psutil.Process(process.pid) for process in self._running if process.poll() is None]
        below = [child for process in started for child in process.children(recursive=True)]
        return alive(list({*started, *below, *(one for one in psutil.process_iter() if self._owns(one))}))

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def settings(self) -> Settings:
        return Settings.load(
            redis_url=self.url, redis_password_file=str(self.password_file), store=str(self.store), user="somebody"
        )

    def configure(self, notebook: pytest.MonkeyPatch) -> None:
        """Set what a notebook needs to run on this group."""
        notebook.setenv("EPSTUDY_REDIS_URL", self.url)
        notebook.setenv("EPSTUDY_REDIS_PASSWORD_FILE", str(self.password_file))
        notebook.setenv("EPSTUDY_STORE", str(self.store))

    def _put_on_path(self, program: str, *words: str) -> None:
        script = self.folder / "bin" / program
        arguments = shlex.quote(str(self.arguments))
        script.write_text(RECORDER.format(program=program, arguments=arguments, words=shlex.join(words)))
        script.chmod(0o755)

    def _redis_is_healthy(self) -> bool:
        assert self._running[0].poll() is None, self.log()
        kind, test = self.compose["services"]["redis"]["healthcheck"]["test"]
        assert kind == "CMD-SHELL"
        asked = subprocess.run(["/bin/sh", "-c", test], env=self.environment("redis"), capture_output=True, check=False)
        return asked.returncode == 0

    def _workers(self) -> list[dict[str, Any]]:
        assert all(process.poll() is None for process in self._running), self.log()
        there = pool.peek(self.settings(), Store(str(self.store)))
        return [] if there is None else there.workers()

    def _owns(self, process: psutil.Process) -> bool:
        try:
            return process.environ().get("TMPDIR") == str(self.folder / "tmp")
        except psutil.Error:
            return False


@contextmanager
def running_group(folder: Path, workers: int) -> Iterator[Group]:
    group = Group(folder, workers)
    try:
        group.up()
        yield group
    finally:
        group.kill()


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    """The group as `docker compose up --scale worker=2` starts it."""
    with running_group(tmp_path_factory.mktemp("group"), workers=2) as started:
        yield started


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def command_lines() -> dict[int, str]:
    """The command line of every process of this machine that we may see."""
    seen = psutil.process_iter(["pid", "cmdline"])
    return {process.info["pid"]: " ".join(process.info["cmdline"] or []) for process in seen}


def test_a_study_of_a_notebook_runs_on_the_group(group: Group, monkeypatch: pytest.MonkeyPatch) -> None:
    group.configure(monkeypatch)
    study = ep.Study(
        "on-the-group", quick(), {"lpd": ep.Field(LPD, [6.0, 8.0]), "u_value": ep.Field(U_VALUE, [1.2, 3.0])}
    )
    results = study.run().wait().results(strict=True)

    assert list(results["status"]) == ["done"] * 4
    assert list(results["floor_area_m2"].round(2)) == [511.16] * 4
    assert not pool.is_running(Settings.load()), "no private pool was started beside the group's"
    store = Store(str(group.store))
    workers = {outcome.worker for outcome in store.outcomes(store.manifest("on-the-group").keys).values()}
    assert workers <= {f"{socket.gethostname()}:{process.pid}" for process in group.processes()}


def test_each_worker_of_the_group_is_known_with_its_slots(group: Group) -> None:
    there = pool.peek(group.settings(), Store(str(group.store)))
    assert there is not None
    workers = there.workers()
    assert len({worker["pid"] for worker in workers}) == 2
    assert {worker["pid"] for worker in workers} <= {process.pid for process in group.processes()}
    assert [worker["slots"] for worker in workers] == [1, 1], "`--scale worker=4` is four simulations at once"


def test_nobody_comes_in_without_the_password(group: Group, monkeypatch: pytest.MonkeyPatch) -> None:
    for password in (None, "guessed"):
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(port=group.port, password=password, retry=Retry(NoBackoff(), 0)).ping()

    monkeypatch.setenv("EPSTUDY_REDIS_URL", group.url)
    monkeypatch.setenv("EPSTUDY_STORE", str(group.store))
    with pytest.raises(ep.PoolError, match="EPSTUDY_REDIS_PASSWORD_FILE"):
        ep.Study("no-password", quick(), {"lpd": ep.Field(LPD, [6.0])}).run()


def test_redis_writes_what_it_holds_and_throws_nothing_away(group: Group) -> None:
    client = redis.Redis(port=group.port, password=group.password, decode_responses=True)
    says: Any = client.config_get("*")
    assert says["appendonly"] == "yes"
    assert says["appendfsync"] == "everysec"
    assert says["maxmemory-policy"] == "noeviction"
    assert int(says["maxmemory"]) > 0


def test_the_password_is_in_no_command_line_no_environment_and_no_log(group: Group) -> None:
    seen = command_lines()
    assert {process.pid for process in group.processes()} <= set(seen)
    assert [line for line in seen.values() if group.password in line] == []
    environments = [" ".join(process.environ().values()) for process in group.processes()]
    assert [said for said in environments if group.password in said] == []
    started = group.arguments.read_text()
    assert "redis-server" in started
    assert "redis-cli" in started
    assert group.password not in started
    assert f"127.0.0.1:{group.port}" in group.log()
    assert group.password not in group.log()


@pytest.mark.parametrize("content", ["", "\n", "two\nlines\n", 'quo"ted\n', "pass\nrequirepass other\n"])
def test_a_redis_whose_password_is_none_does_not_start(tmp_path: Path, content: str) -> None:
    group = Group(tmp_path, workers=0)
    group.password_file.write_text(content)
    ended = subprocess.run(**group.order("redis"), capture_output=True, text=True, timeout=10, check=False)
    assert ended.returncode == 1
    assert "expected one line" in ended.stderr


def test_down_and_up_in_the_middle_of_a_study_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`docker compose down`: what runs is finished and stored, nothing is left; `up`: the rest follows."""
    with running_group(tmp_path, workers=1) as group:
        group.configure(monkeypatch)
        levels = [float(level) for level in range(4, 10)]
        study = ep.Study("down-and-up", quick(), {"lpd": ep.Field(LPD, levels)}).run()
        until(lambda: study.progress().running)
        processes = group.processes()
        assert len(processes) >= 4, "Redis, supervisor, Celery with a child, simulator"
        group.down()

        assert alive(processes) == []
        assert group.processes() == []
        states = list(ep.Study.open("down-and-up").results()["status"])
        assert states.count("done") >= 1
        assert set(states) == {"done", "pending"}, "the variant that ran was finished, the others wait"

        group.up()
        assert list(study.wait().results(strict=True)["status"]) == ["done"] * len(levels)
        assert study.progress().cached == 0, "Redis knew what had been simulated before"
        store = Store(str(group.store))
        outcomes = store.outcomes(store.manifest("down-and-up").keys).values()
        assert [outcome.attempts for outcome in outcomes] == [1] * len(levels), "nothing was simulated twice"
        group.down()
        assert group.processes() == []


def test_workers_can_be_scaled_and_redis_is_open_to_this_machine_only() -> None:
    services = compose_file()["services"]
    assert not {"container_name", "ports", "hostname"} & set(services["worker"]), "four of them could not start"
    assert services["worker"]["depends_on"]["redis"]["condition"] == "service_healthy"
    assert services["redis"]["ports"] == ["127.0.0.1:6379:6379"]


def test_every_mounted_folder_and_secret_is_one_that_the_user_made() -> None:
    """Docker would make a missing folder as root, which no worker can write."""
    compose = compose_file()
    mounts = [mount for service in compose["services"].values() for mount in service["volumes"]]
    assert {mount["source"] for mount in mounts} == {"./build/store", "./build/redis"}
    assert not any(mount["bind"]["create_host_path"] for mount in mounts)
    assert compose["secrets"]["redis_password"]["file"] == "./docker/redis_password.txt"
    assert "/docker/redis_password.txt" in (ROOT / ".gitignore").read_text().splitlines()


def test_image_and_compose_start_a_command_that_epstudy_has() -> None:
    words = [line.split(maxsplit=1) for line in dockerfile()]
    commands = [yaml.safe_load(rest) for word, rest in words if word == "CMD"]
    assert not any(word == "ENTRYPOINT" for word, _ in words), "it would stand in front of the command of compose"
    assert commands == [compose_file()["services"]["worker"]["command"]]
    program, command = commands[0]
    told = subprocess.run([program, "--help"], env={"PATH": PATH}, capture_output=True, text=True, check=True).stdout
    assert command in [line.split()[0] for line in told.partition("Commands:")[2].splitlines() if line.strip()]


def test_the_build_gets_what_it_copies_and_not_the_password() -> None:
    copied = {word for line in dockerfile() if line.startswith("COPY ") for word in shlex.split(line)[1:-1]}
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert {rule[1:] for rule in rules if rule.startswith("!")} == copied
    assert all((ROOT / name).exists() for name in copied)


def dockerfile() -> list[str]:
    """The instructions of docker/Dockerfile, continued lines joined."""
    text = (ROOT / "docker" / "Dockerfile").read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]
