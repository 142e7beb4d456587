"""Who may use the server: bearer tokens, of which a file holds digests, and how much each client may ask."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ferce_agent.errors import SettingsError, TooManyRequestsError
from ferce_agent.tools.mcp_http import check_access
from ferce_agent.web.rates import Kind, Rate, Rates

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""A client's name: it stands in logs."""
LINE: Final = re.compile(rf"({NAME.pattern})[ \t]+([0-9a-f]{{64}})")
"""A line of the file: name, and SHA-256 of the token."""
LOCAL: Final = "local"
"""Name of every client where no token is asked for."""
BURST_S: Final = 10.0
"""Seconds' worth of a quota that may be used at once."""
WRONG: Final = Rate(10, 10)
"""Wrong tokens of one address."""


@dataclass(frozen=True, slots=True)
class Quota:
    """How much each client may ask; None is no limit.

    Attributes:
        per_minute: Requests a minute.
        at_once: Requests at a time.
        megabytes_per_minute: Bytes of bodies a minute, in MB.
    """

    per_minute: float | None = None
    at_once: int | None = None
    megabytes_per_minute: float | None = None


class Clients:
    """The clients of a server, by the digests of their tokens."""

    def __init__(self, digests: Mapping[str, str] | None = None, quota: Quota | None = None) -> None:
        """Take names by SHA-256 of tokens; with none, everybody is one client who needs no token."""
        self._digests, self._quota = dict(digests or {}), quota or Quota()
        self._under_way: Counter[str] = Counter()
        chosen: dict[Kind, Rate] = {"wrong_token": WRONG}
        if self._quota.per_minute is not None:
            chosen["call"] = rate_of(self._quota.per_minute)
        if self._quota.megabytes_per_minute is not None:
            chosen["bytes"] = rate_of(self._quota.megabytes_per_minute * 1e6)
        self._chosen, self._rates = chosen, Rates(chosen)

    @property
    def need_token(self) -> bool:
        """Whether clients must send a token."""
        return bool(self._digests)

    def named(self, token: bytes | None, address: str) -> str | None:
        """Return the client with this token; None if it is missing or wrong.

        Args:
            token: What was sent.
            address: Where it came from.

        Raises:
            TooManyRequestsError: Too many wrong tokens came from there.
        """
        if not self._digests:
            return LOCAL
        given, found = hashlib.sha256(token or b"").hexdigest(), None
        for digest, name in self._digests.items():  # all of them: the time tells nothing
            if hmac.compare_digest(digest, given):
                found = name
        if found is None and token is not None:
            self._rates.take("wrong_token", address)
        return found

    @contextmanager
    def under_way(self, name: str, size: int, received: Callable[[], int]) -> Iterator[None]:
        """Count a request of a client while the block lasts.

        Args:
            name: The client.
            size: Bytes of its body, as it says; 1 if there is one without a length, 0 if there is none.
            received: Returns how many bytes of it came, which may be more than may be asked at once.

        Raises:
            TooManyRequestsError: It asks too much.
        """
        most = self._quota.at_once
        if most is not None and self._under_way[name] >= most:
            raise TooManyRequestsError(
                f"This client has {most} requests under way, which is its limit.", hint="Wait for an answer first."
            )
        if "call" in self._chosen:
            self._rates.take("call", name)
        counted = self._rates.take("bytes", name, size) if "bytes" in self._chosen and size else 0.0
        self._under_way[name] += 1
        try:
            yield
        finally:
            self._under_way[name] -= 1
            if "bytes" in self._chosen and received() > counted:
                self._rates.owe("bytes", name, received() - counted)


def rate_of(per_minute: float) -> Rate:
    """Return a rate of which so much may be used at once as comes in `BURST_S`."""
    return Rate(max(per_minute * BURST_S / 60, 1.0), per_minute)


def digest_of(token: str) -> str:
    """Return the SHA-256 of a token; tokens are random and long, so that nothing slower is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def read_clients(file: Path | None, token: str | None) -> dict[str, str]:
    """Return names by digest: of a file's lines ``NAME SHA256``, and of one token of the environment.

    Raises:
        SettingsError: The file cannot be read, a line is none of these or a name or token occurs twice, or the token
            cannot be sent in a header.
    """
    check_access("127.0.0.1", token, insecure=False)
    found = {} if token is None else {digest_of(token): "token"}
    for number, line in enumerate(_lines(file), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = LINE.fullmatch(line.strip())
        if match is None or match[2] in found or match[1] in found.values():
            raise SettingsError(
                f"Line {number} of the file of tokens is not a new NAME and the SHA-256 of its token.",
                hint="Let 'ferce serve token' write it.",
            )
        found[match[2]] = match[1]
    if file is not None and not found:
        raise SettingsError("The file of tokens holds none.", hint="Make one: ferce serve token NAME --tokens FILE.")
    return found


def _lines(file: Path | None) -> list[str]:
    if file is None:
        return []
    try:
        return file.read_text("utf-8").splitlines()
    except (OSError, UnicodeError) as error:
        raise SettingsError("The file of tokens cannot be read.", hint="Is it the right one?") from error


def new_token(name: str, file: Path) -> str:
    """Return a new token, and add its digest to a file, which only its owner may read.

    Raises:
        SettingsError: The name is none or has a token, or the file cannot be read or written.
    """
    if NAME.fullmatch(name) is None:
        raise SettingsError("A client's name has 1 to 64 letters, digits, '.', '_' and '-'.", hint="Such as: clinic-1")
    if file.exists() and name in (line.partition(" ")[0] for line in _lines(file)):
        raise SettingsError(f"'{name}' has a token already.", hint="Take another name, or remove its line.")
    token = secrets.token_urlsafe(32)
    try:
        handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(f"{name} {digest_of(token)}\n")
    except OSError as error:
        raise SettingsError("The file of tokens cannot be written.", hint="Give another --tokens FILE.") from error
    return token
