"""Secrets taken out of a rollout before anything of it is written: `[REDACTED:kind]` stands in their place.

Two ways to know one: it is the value of a secret that the caller holds (`secret_values`), or it has the shape that its
issuer documents (AWS, GitHub, GitLab, Slack, Google, OpenAI, Anthropic, Hugging Face, Stripe, PyPI, npm keys; private
keys in PEM; JSON web tokens; bearer tokens; passwords in URLs; and what detectors of detect-secrets know beside these).
Shapes without a prefix of their own are not guessed, so its detectors of entropy, keywords, public addresses and of
Artifactory's two letters are not used: hashes and data of tasks would go with them.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib import import_module
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

_DETECTORS: dict[str, tuple[str, tuple[str, ...]]] = {
    "azure-key": ("azure_storage_key:AzureStorageKeyDetector", ("accountkey=",)),
    "cloudant-key": ("cloudant:CloudantDetector", ("cloudant", "cl_", "cl-", "clou")),
    "discord-token": ("discord:DiscordBotTokenDetector", ()),
    "gitlab-token": ("gitlab_token:GitLabTokenDetector", ("gl", "gr1348941")),
    "ibm-iam-key": ("ibm_cloud_iam:IbmCloudIamDetector", ("ibm", "cloud_iam", "cloud-iam")),
    "ibm-cos-key": ("ibm_cos_hmac:IbmCosHmacDetector", ("secret_access", "secret_key", "secret-key", "secretkey")),
    "mailchimp-key": ("mailchimp:MailchimpDetector", ("-us",)),
    "npm-token": ("npm:NpmDetector", ("_authtoken=",)),
    "sendgrid-key": ("sendgrid:SendGridDetector", ("sg.",)),
    "softlayer-key": ("softlayer:SoftlayerDetector", ("softlayer", "sl_", "sl-")),
    "square-secret": ("square_oauth:SquareOAuthDetector", ("sq0csp-",)),
    "telegram-token": ("telegram_token:TelegramBotTokenDetector", ()),
    "twilio-key": ("twilio:TwilioKeyDetector", ()),
}
"""Kind -> a detector of detect-secrets (Yelp), and hints as below; without hints its pattern is quick by itself."""

_IN_A_GROUP = frozenset({"cloudant-key", "ibm-iam-key", "ibm-cos-key", "softlayer-key"})
"""Their patterns begin with the name of what is set; the secret is the last group."""

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


@dataclass(frozen=True)
class _Shape:
    kind: str
    hints: tuple[str, ...]
    pattern: re.Pattern[str]
    cover: Callable[[re.Match[str]], str]  # what stands instead of a match


@lru_cache(maxsize=1)
def _shapes() -> tuple[_Shape, ...]:
    return (*_ours(), *_of_detectors())


def _ours() -> list[_Shape]:
    r"""`re` knows no `\K`: what stands before it becomes the group `before`."""
    shapes = []
    for kind, shape in SHAPES.items():
        before, _, secret = shape.rpartition(r"\K")
        pattern = re.compile(f"(?P<before>{before})(?:{secret})")
        shapes.append(_Shape(kind, _HINTS[kind], pattern, partial(_after, kind)))
    return shapes


def _of_detectors() -> list[_Shape]:
    shapes = []
    for kind, (place, hints) in _DETECTORS.items():
        module, _, name = place.partition(":")
        for pattern in getattr(import_module(f"detect_secrets.plugins.{module}"), name)().denylist:
            shapes.append(_Shape(kind, hints, pattern, partial(_covered, kind)))
    return shapes


def _after(kind: str, match: re.Match[str]) -> str:
    return f"{match['before']}[REDACTED:{kind}]"


def _covered(kind: str, match: re.Match[str]) -> str:
    if kind not in _IN_A_GROUP or not match.lastindex:
        return f"[REDACTED:{kind}]"
    start, end = (at - match.start() for at in match.span(match.lastindex))
    return f"{match[0][:start]}[REDACTED:{kind}]{match[0][end:]}"


def shape_patterns(*kinds: str) -> tuple[re.Pattern[str], ...]:
    """What each shape (of these kinds, if any are given) is known by, for screening.py."""
    return tuple(shape.pattern for shape in _shapes() if not kinds or shape.kind in kinds)


def _fitting(text: str) -> list[_Shape]:
    lowered = text.lower()

    def may_fit(shape: _Shape) -> bool:
        return any(hint in lowered for hint in shape.hints) if shape.hints else shape.pattern.search(text) is not None

    return [shape for shape in _shapes() if may_fit(shape)]


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
    for shape in _fitting(value):
        value, found = shape.pattern.subn(shape.cover, value)
        if found:
            counts[shape.kind] += found
    return value
