"""Secrets are out before a rollout is written; what only looks a little like one stays."""

from pathlib import Path

import pytest

from tests.trajectories.conftest import make_rollout, make_trajectory
from trajectories.atif import Metrics, Observation, ObservationResult, Step, ToolCall
from trajectories.redaction import redact, redact_text, secret_values
from trajectories.rollout import Rollout
from trajectories.store import open_store

# Put together here, so that no scanner of this repository takes them for real.
BODY = "0a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T"
PEM = "-----BEGIN RSA PRIVATE " + f"KEY-----\n{BODY}\n{BODY}\n-----END RSA PRIVATE " + "KEY-----"
TOKENS = {
    "aws-key-id": "AKIA" + "ABCDEFGHIJKLMNOP",
    "github-token": "ghp_" + BODY[:36],
    "gitlab-token": "glpat-" + BODY[:20],
    "slack-token": "xoxb-" + "123456789012-" + BODY[:24],
    "slack-hook": "https://hooks.slack.com/" + "services/T00000000/B00000000/" + BODY[:24],
    "google-key": "AIza" + BODY[:35],
    "anthropic-key": "sk-ant-" + "api03-" + BODY,
    "openai-key": "sk-proj-" + BODY,
    "huggingface-token": "hf_" + BODY[:34],
    "stripe-key": "sk_live_" + BODY[:24],
    "pypi-token": "pypi-AgE" + BODY + BODY,
    "npm-token": "npm_" + BODY[:36],
    "json-web-token": "eyJ" + BODY[:20] + ".eyJ" + BODY[:30] + "." + BODY[:30],
    "private-key": PEM,
    "azure-key": "AccountKey=" + (BODY * 3)[:86] + "==",
    "discord-token": "M" + BODY[:23] + "." + BODY[:6] + "." + BODY[:27],
    "mailchimp-key": "0123456789abcdef0123456789abcdef" + "-us12",
    "sendgrid-key": "SG." + BODY[:22] + "." + (BODY * 2)[:43],
    "square-secret": "sq0csp-" + (BODY * 2)[:43],
    "telegram-token": "123456789:" + BODY[:35],
    "twilio-key": "AC" + "0123456789abcdef0123456789abcdef",
}


@pytest.mark.parametrize(("kind", "token"), TOKENS.items())
def test_a_token_is_known_by_its_shape(kind: str, token: str) -> None:
    assert redact_text(f"KEY='{token}' # mine") == f"KEY='[REDACTED:{kind}]' # mine"


def test_what_stands_before_a_secret_stays() -> None:
    assert redact_text(f"Authorization: Bearer {BODY}") == "Authorization: Bearer [REDACTED:bearer-token]"
    assert redact_text("git clone https://me:s3cretword@host/x") == (
        "git clone https://me:[REDACTED:url-password]@host/x"
    )
    assert redact_text(f"aws_secret_access_key = {BODY}") == "aws_secret_access_key = [REDACTED:aws-secret]"
    assert redact_text(f"ibm_cloud_iam_key: {BODY[:40]}{BODY[:4]}") == "ibm_cloud_iam_key: [REDACTED:ibm-iam-key]"


@pytest.mark.parametrize(
    "text",
    [
        "commit 3f786850e387550fdab836ed7e6dc881de23001b",
        "if '-----BEGIN PRIVATE " + "KEY-----' in text:\n    return parse(text)",
        "task-0123456789abcdef0123456789abcdef",
        "the bearer of this letter",
        "http://localhost:8000/a@b",
        "postgresql://user:password@localhost/x",
        "sk-learn is short for scikit-learn",
        "secret = make_secret()",
        "cl_key = sorted(key)",
        "2024-01-01 12345678: " + "x" * 20,
        "def f(x): return SK[x]",
        "the US-us12 form",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact_text(text) == text


def _telling() -> Rollout:
    step = Step(
        step_id=1,
        source="agent",
        message="I print the environment",
        tool_calls=(ToolCall(tool_call_id="c1", function_name="bash", arguments={"command": "echo hunter2hunter2"}),),
        observation=Observation(results=(ObservationResult(source_call_id="c1", content=f'a "{PEM}"'),)),
        metrics=Metrics(prompt_tokens=3, completion_token_ids=(1, 2), logprobs=(-0.1, -0.2)),
    )
    trajectory = make_trajectory().model_copy(update={"steps": (step,)})
    return make_rollout(trajectory=trajectory, diff="+password = 'hunter2hunter2'\n")


def test_a_rollout_is_written_without_secrets_and_counts_them(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.secrets = {"MY_TOKEN": "hunter2hunter2"}
        store.record(_telling())
        (row,) = store.rollouts()
        stored = store.body(row)
    text = stored.model_dump_json()
    assert "hunter2" not in text and BODY not in text
    assert stored.diff == "+password = '[REDACTED:MY_TOKEN]'\n"
    assert (stored.trajectory.extra or {})["redacted"] == {"MY_TOKEN": 2, "private-key": 1}
    (step,) = stored.trajectory.steps
    assert step.metrics == Metrics(prompt_tokens=3)  # token ids spell the secret as well
    assert stored.key == _telling().key


def test_it_can_be_switched_off(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.secrets = {"MY_TOKEN": "hunter2hunter2"}
        store.record(_telling(), is_redacting=False)
        assert store.load(_telling().key.id) == _telling()


def test_a_rollout_without_secrets_is_left_alone() -> None:
    rollout = make_rollout()
    assert redact(rollout, {"MY_TOKEN": "hunter2hunter2"}) is rollout
    assert redact(redact(_telling(), {})) == redact(_telling(), {})


def test_secret_variables_are_known_by_their_names() -> None:
    environment = {
        "GITHUB_TOKEN": "abcdefgh1",
        "DB_PASSWORD": "correct horse",
        "AWS_SECRET_ACCESS_KEY": "abcdefgh2",
        "PATH": "/usr/bin:/bin",
        "KEYBOARD": "qwertzuiop",
        "SSH_AUTH_SOCK": "/tmp/agent.sock",
        "API_KEY": "short",
    }
    assert set(secret_values(environment)) == {"GITHUB_TOKEN", "DB_PASSWORD", "AWS_SECRET_ACCESS_KEY"}
