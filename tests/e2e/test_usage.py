"""Every bad input is one message that says what to do, and exit code 2: never a traceback."""

import pytest

from tests.e2e.conftest import Run


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "nowhere.yaml"), "nowhere.yaml: cannot be read"),
        (("rollout", "nowhere", "--agent", "nop"), "nowhere"),
        (("rollout", "nowhere", "--agent", "wizard"), "oracle"),
        (("rollout", "nowhere", "--agent", "react"), "--model"),
        (("rollout", "nowhere", "--agent", "nop", "--backend", "vmware"), "bubblewrap"),
        (("generate", "pypi:sqlparse", "--out", "suite"), "pypi:NAME==VERSION"),
        (("generate", "./nowhere", "--out", "suite"), "nowhere"),
        (("generate", ".", "--out", "suite", "--generator", "wizard"), "wizard"),
        (("generate", ".", "--out", "suite", "--generator", "lm_modify"), "--model NAME"),
        (
            ("generate", ".", "--out", "suite", "--model", "oracle-of-delphi"),
            "no model 'oracle-of-delphi'; there are: local",
        ),
        (("export", "--to", "stone-tablet", "--out", "x"), "trl"),
        (("export", "--to", "trl", "--out", "x", "--where", "colour = 'red'"), "colour"),
        (("show", "0123456789abcdef"), "0123456789abcdef"),
        (("validate", "nowhere"), "nowhere"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(gristmill: Run, arguments: tuple[str, ...], message: str) -> None:
    done = gristmill(*arguments)
    assert done.code == 2, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_help_and_show_do_not_wait_for_prefect(gristmill: Run) -> None:
    gristmill("show", "suites")  # makes the store
    assert gristmill("--help").code == 0
    done = gristmill("show", "suites", "--json")
    assert (done.code, done.json) == (0, [])


def test_doctor_names_every_part(gristmill: Run) -> None:
    done = gristmill("doctor", "--json")
    parts = {row["part"]: row for row in done.json}
    assert {"backend bubblewrap", "backend docker", "git", "store"} <= set(parts)
    assert all(row["what to do"] for row in parts.values() if row["state"] == "missing")
