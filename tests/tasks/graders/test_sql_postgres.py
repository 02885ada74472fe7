"""Queries on a real PostgreSQL server, through psql, in schemas that leave nothing behind."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.graders import CannotGrade

SCHEMA = "CREATE TABLE client (id INTEGER, name TEXT, age INTEGER, paid NUMERIC);"
DATA = {
    "databases": [
        SCHEMA + "INSERT INTO client VALUES (1,'Ada',36,1.50),(2,'Bo',20,NULL),(3,'Cy',31,2);",
        SCHEMA + "INSERT INTO client VALUES (1,'Di, \"D\"',30,3),(2,'Ed',41,0.25),(3,'Ed',50,7);",
    ],
    "gold": "SELECT name, paid FROM client WHERE age > 30",
    "time_limit_sec": 1.0,
}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A server of its own, on a socket in a folder; the graders' role may create schemas and is no superuser."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found or not shutil.which("psql"):
        pytest.skip("PostgreSQL is not installed: apt-get install -y postgresql")
    # Not below pytest's folder: each pytest that starts closes that one to other users.
    programs, folder = found[-1].parent, Path(tempfile.mkdtemp(prefix="gristmill-pg-"))
    as_user: list[str] = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        owner = pwd.getpwnam("nobody")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        as_user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]

    def run(*command: str) -> None:
        subprocess.run([*as_user, *command], check=True, cwd="/", stdout=subprocess.DEVNULL, timeout=60)

    options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
    run(f"{programs}/initdb", "-D", f"{folder}/data", "-U", "owner", "-A", "trust", "--no-sync")
    run(f"{programs}/pg_ctl", "-D", f"{folder}/data", "-o", options, "-w", "-l", f"{folder}/log", "start")
    try:
        for statement in ("CREATE ROLE grader LOGIN", "CREATE DATABASE grading OWNER grader"):
            run("psql", "-q", "-h", os.fspath(folder), "-U", "owner", "-d", "postgres", "-c", statement)
        yield f"host={folder} user=grader dbname=grading"
    finally:
        run(f"{programs}/pg_ctl", "-D", f"{folder}/data", "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


async def test_queries_on_postgresql(on_this_machine, address):
    for query, reward in [
        (DATA["gold"], 1.0),
        (
            "SELECT paid * 1.000, upper(substr(name, 1, 1)) || substr(name, 2) FROM client WHERE NOT age <= 30 -- all",
            1.0,
        ),
        ("SELECT name, coalesce(paid, 0) FROM client WHERE age > 30 ORDER BY 1 DESC", 1.0),
        ("SELECT name, paid FROM client WHERE age > 30 AND name <> 'Ed'", 0.0),
        ("SELECT DISTINCT name, 1 FROM client WHERE age > 30", 0.0),
        ("SELECT name FROM client", 0.0),
        ("SELECT name, paid FROM client WHERE age > 'x'", 0.0),
        ("SELECT pg_sleep(60), 1", 0.0),
        ("WITH gone AS (DELETE FROM client RETURNING *) SELECT name, paid FROM gone WHERE age > 30", 0.0),
        ("SELECT name, paid FROM client WHERE age > 30 \\g |echo x", 0.0),
        ("SELECT name, paid FROM client WHERE age > 30; COMMIT", 0.0),
        ("SELECT name, paid FROM client WHERE age > 30 AND name <> 'x", 0.0),
        ("SELECT generate_series(1, 20000), 1", 0.0),
        ("SELECT set_config('transaction_read_only', 'off', false), 1", 0.0),
    ]:
        grade = await on_this_machine("sql", {**DATA, "postgres": address}, {"query.sql": query})
        assert grade.reward == reward, (query, grade)


async def test_nothing_is_left_behind(on_this_machine, address):
    await on_this_machine("sql", {**DATA, "postgres": address}, {"query.sql": DATA["gold"]})
    schemas = [
        "psql",
        "-X",
        "-t",
        "-A",
        "-d",
        address,
        "-c",
        "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'grade%'",
    ]
    assert subprocess.run(schemas, capture_output=True, text=True, check=True).stdout.strip() == ""


async def test_no_server_is_no_verdict(on_this_machine, tmp_path):
    with pytest.raises(CannotGrade, match="PostgreSQL, database 1"):
        await on_this_machine("sql", {**DATA, "postgres": f"host={tmp_path} dbname=x"}, {"query.sql": DATA["gold"]})
