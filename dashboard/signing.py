"""Signed cookies and form tokens. Nothing is kept on the server: a cookie says who, until when, and proves it."""

import hmac
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass
from hashlib import sha256

LASTS_SEC = 14 * 86400
MOST_NAME = 60


@dataclass(frozen=True)
class Session:
    """Somebody who has given the token. `person`: the name they gave, which marks are kept under; not proven."""

    person: str
    nonce: str
    until: int


class Signer:
    """Signs with a key that derives from the token: a new token ends all sessions, a restart ends none."""

    def __init__(self, token: str) -> None:
        self._token = token.encode()
        self._key = hmac.digest(self._token, b"gristmill dashboard: cookies", "sha256")

    def is_token(self, given: str) -> bool:
        """Takes as long for a near miss as for a far one."""
        return hmac.compare_digest(sha256(given.encode()).digest(), sha256(self._token).digest())

    def cookie(self, person: str) -> str:
        """A new session as a cookie's value."""
        name = urlsafe_b64encode(person.strip()[:MOST_NAME].encode()).decode().rstrip("=")
        body = f"{name}.{secrets.token_urlsafe(16)}.{int(time.time()) + LASTS_SEC}"
        return f"{body}.{self._sign(body)}"

    def session(self, cookie: str) -> Session | None:
        """None: not ours, changed, or too old."""
        body, _, signature = cookie.rpartition(".")
        if not hmac.compare_digest(self._sign(body).encode(), signature.encode()):
            return None
        name, nonce, until = body.split(".")
        if int(until) < time.time():
            return None
        try:
            person = urlsafe_b64decode(name + "=" * (-len(name) % 4)).decode()
        except (NotBase64, UnicodeDecodeError):
            return None
        return Session(person, nonce, int(until))

    def form_token(self, session: Session) -> str:
        """What a form of this session carries; another site cannot know it."""
        return self._sign(f"form.{session.nonce}.{session.until}")

    def is_form_token(self, session: Session, given: str) -> bool:
        return hmac.compare_digest(self.form_token(session).encode(), given.encode())

    def _sign(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), sha256).hexdigest()
