"""Secrets taken out of a rollout before anything of it is written: `[REDACTED:kind]` stands in their place.

Two ways to know one: it is the value of a secret that the caller holds (`secret_values`), or it has the shape that its
issuer documents (AWS, GitHub, GitLab, Slack, Google, OpenAI, Anthropic, Hugging Face, Stripe, PyPI, npm keys; private
keys in PEM; JSON web tokens; bearer tokens; passwords in URLs). Shapes without a prefix of their own are not guessed:
hashes and data of tasks would go with them.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from trajectories.rollout import Rollout

SHAPES: dict[str, str] = {
    "private-key": r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----[0-9A-Za-z+/=\\\s:,-]{40,}?"
    r"(?:-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----|(?=[^0-9A-Za-z+/=\\\s:,-])|\Z)",
    "aws-key-id": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "aws-secret": r"(?i:aws.{0,20}?secret.{0,20}?[=:]\s*[\"']?)\K[0-9A-Za-z/+]{40}(?![0-9A-Za-z/+])",
    "github-token": r"\b(?:gh[pousr]_[0-9A-Za-z]{36,255}|github_pat_[0-9A-Za-z_]{40,255})\b",
    "gitlab-token": r"\bglpat-[0-9A-Za-z_-]{20,}",
    "slack-token": r"\bxox[abeoprs]-[0-9A-Za-z-]{10,}",
    "slack-hook": r"https://hooks\.slack\.com/(?:services|workflows)/[0-9A-Za-z/_+-]{20,}",
    "google-key": r"\bAIza[0-9A-Za-z_-]{35}",
    "anthropic-key": r"\bsk-ant-[0-9A-Za-z_-]{20,}",
    "openai-key": r"\bsk-(?:proj-|svcacct-|admin-)?[0-9A-Za-z_-]{0,40}?[0-9A-Za-z]{20,}[0-9A-Za-z_-]*",
    "huggingface-token": r"\bhf_[0-9A-Za-z]{30,}\b",
    "stripe-key": r"\b[rs]k_(?:live|test)_[0-9A-Za-z]{16,}\b",
    "pypi-token": r"\bpypi-AgE[0-9A-Za-z_-]{50,}",
    "npm-token": r"\bnpm_[0-9A-Za-z]{36}\b",
    "json-web-token": r"\beyJ[0-9A-Za-z_-]{10,}\.eyJ[0-9A-Za-z_-]{10,}\.[0-9A-Za-z_-]{10,}",
    "bearer-token": r"(?i:\bbearer[ ]+)\K(?=[0-9A-Za-z._~+/-]*[0-9])[0-9A-Za-z._~+/-]{20,}=*",
    "url-password": r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@\"'<>]{1,100}:\K(?!(?:pass|password|pwd|secret|\*+|x+)@)[^\s/:@\"'<>{}$]{3,200}(?=@[0-9A-Za-z.\[-])",
}
r"""Kind -> pattern; what stands before `\K` tells the secret and stays."""

_HINTS: dict[str, tuple[str, ...]] = {
    "private-key": ("private key",),
    "aws-key-id": ("akia", "asia"),
    "aws-secret": ("secret",),
    "github-token": ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    "gitlab-token": ("glpat-",),
    "slack-token": ("xox",),
    "slack-hook": ("hooks.slack",),
    "google-key": ("aiza",),
    "anthropic-key": ("sk-ant-",),
    "openai-key": ("sk-",),
    "huggingface-token": ("hf_",),
    "stripe-key": ("k_live_", "k_test_"),
    "pypi-token": ("pypi-age",),
    "npm-token": ("npm_",),
    "json-web-token": ("eyj",),
    "bearer-token": ("bearer ",),
    "url-password": ("://",),
}
"""Kind -> texts in lower case, one of which stands in whatever the shape matches. Looked for first, which is faster."""

_SECRET_NAME = re.compile(
    r"(?:^|_)(?:TOKEN|SECRET|PASSWORD|PASSWD|PWD|PASS|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|KEY|CREDENTIALS?|AUTH|COOKIE|DSN)S?"
    r"(?:_(?:ID|KEY|VALUE|BASE64|B64|\d+))*$",
    re.IGNORECASE,
)
MIN_LENGTH = 8
"""Shorter values are words of ordinary text."""


def secret_values(environment: Mapping[str, str]) -> dict[str, str]:
    """Of environment variables (or other settings), those whose name says that they are secret: name -> value."""
    return {
        name: value
        for name, value in environment.items()
        if _SECRET_NAME.search(name) and len(value) >= MIN_LENGTH and not value.startswith(("/", "./"))
    }


def _compiled() -> list[tuple[str, tuple[str, ...], re.Pattern[str]]]:
    r"""`re` knows no `\K`: what stands before it becomes the group `before`."""
    compiled = []
    for kind, shape in SHAPES.items():
        before, _, secret = shape.rpartition(r"\K")
        compiled.append((kind, _HINTS[kind], re.compile(f"(?P<before>{before})(?:{secret})")))
    return compiled


_PATTERNS = _compiled()


def _fitting(text: str) -> list[tuple[str, re.Pattern[str]]]:
    lowered = text.lower()
    return [(kind, pattern) for kind, hints, pattern in _PATTERNS if any(hint in lowered for hint in hints)]


def redact(rollout: Rollout, secrets: Mapping[str, str] | None = None) -> Rollout:
    """The rollout without secrets; itself if there are none.

    secrets: name -> value, by `secret_values`; a value is replaced by `[REDACTED:NAME]`, wherever it stands.
    The trajectory's `extra["redacted"]` counts them by kind. Token ids and log probabilities go from every step of a
    rollout that had one: they spell it, too. The key and the ids of calls stay as they are.
    """
    known = {name: value for name, value in (secrets or {}).items() if len(value) >= MIN_LENGTH}
    text = rollout.model_dump_json()
    if not _fitting(text) and not any(json.dumps(value, ensure_ascii=False)[1:-1] in text for value in known.values()):
        return rollout
    counts: Counter[str] = Counter()
    # The longest first: one may be a part of another.
    values = sorted(known.items(), key=lambda item: -len(item[1]))
    data = rollout.model_dump(mode="json")
    cleaned = {name: value if name == "key" else _clean(value, values, counts) for name, value in data.items()}
    if not counts:
        return rollout
    trajectory = cleaned["trajectory"]
    for step in trajectory["steps"]:
        for name in ("prompt_token_ids", "completion_token_ids", "logprobs"):
            if step.get("metrics"):
                step["metrics"][name] = None
    earlier = Counter((trajectory.get("extra") or {}).get("redacted", {}))
    trajectory["extra"] = {**(trajectory.get("extra") or {}), "redacted": dict(sorted((earlier + counts).items()))}
    for attempt in cleaned["attempts"]:
        attempt["evidence"] = attempt["evidence"][:300]
    return Rollout.model_validate(cleaned)


def redact_text(text: str, secrets: Mapping[str, str] | None = None) -> str:
    """One text without secrets."""
    return str(_clean(text, sorted((secrets or {}).items(), key=lambda item: -len(item[1])), Counter()))


_IDS = frozenset({"tool_call_id", "source_call_id", "session_id", "trajectory_id", "source_hash", "started_at"})


def _clean(value: Any, secrets: list[tuple[str, str]], counts: Counter[str]) -> Any:
    if isinstance(value, dict):
        return {
            name: each if name in _IDS and isinstance(each, str) else _clean(each, secrets, counts)
            for name, each in value.items()
        }
    if isinstance(value, list):
        if value and isinstance(value[0], int | float):
            return value
        return [_clean(each, secrets, counts) for each in value]
    if not isinstance(value, str) or len(value) < MIN_LENGTH:
        return value
    for name, secret in secrets:
        if secret in value:
            counts[name] += value.count(secret)
            value = value.replace(secret, f"[REDACTED:{name}]")
    for kind, pattern in _fitting(value):
        value, found = pattern.subn(rf"\g<before>[REDACTED:{kind}]", value)
        if found:
            counts[kind] += found
    return value
