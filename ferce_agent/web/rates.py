"""How often each client may ask: a token bucket for each address and kind of request, in bounded memory."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from ferce_agent.errors import TooManyRequestsError

Kind = Literal["wrong_token", "about", "photo", "clip", "voice", "page", "chat", "live", "bytes", "call"]
"""What is counted: wrong tokens, requests by what they ask for, and the bytes that come with them."""
MOST_KEPT: Final = 4096
"""Most buckets; beyond that the one that was used longest ago is forgotten."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How often something may be done.

    Attributes:
        burst: How often at once, at least 1.
        per_minute: How often in the long run, above 0.
    """

    burst: float
    per_minute: float


RATES: Final[Mapping[Kind, Rate]] = {
    "wrong_token": Rate(10, 10),
    "about": Rate(60, 240),
    "photo": Rate(30, 120),
    "clip": Rate(8, 20),
    "voice": Rate(15, 60),
    "page": Rate(15, 60),
    "chat": Rate(15, 40),
    "live": Rate(8, 20),
}
"""Far more than one person does with the page, and few enough that a program in a loop keeps nobody else out."""


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


class Rates:
    """Counts what clients do.

    Each address has a bucket for each kind; it holds at most `Rate.burst` and is filled evenly. A network of IPv6
    addresses (/64), which one machine usually has whole, counts as one address.
    """

    def __init__(
        self,
        rates: Mapping[Kind, Rate] = RATES,
        *,
        clock: Callable[[], float] = time.monotonic,
        most_kept: int = MOST_KEPT,
    ) -> None:
        """Begin with full buckets.

        Args:
            rates: How often what may be done.
            clock: Gives the time in seconds; it never goes back.
            most_kept: Most buckets.
        """
        self._rates, self._clock, self._most = rates, clock, most_kept
        self._buckets: OrderedDict[tuple[Kind, str], _Bucket] = OrderedDict()

    def __len__(self) -> int:
        """Return how many buckets are kept."""
        return len(self._buckets)

    def take(self, kind: Kind, client: str, amount: float = 1.0) -> float:
        """Count one request, and return what was counted.

        Args:
            kind: What it asks for.
            client: Address of who asks.
            amount: What it counts for; more than the bucket holds counts as a full bucket.

        Raises:
            TooManyRequestsError: There were too many; it is not counted, and the error says when the next may come.
        """
        bucket, rate = self._filled(kind, client), self._rates[kind]
        amount = min(amount, rate.burst)
        if bucket.left < amount:
            seconds = (amount - bucket.left) * 60 / rate.per_minute
            raise TooManyRequestsError(
                f"Too many {_counted(kind, rate.per_minute)} a minute).",
                hint=f"Wait {max(round(seconds), 1)} s.",
                seconds=seconds,
            )
        bucket.left -= amount
        return amount

    def owe(self, kind: Kind, client: str, amount: float) -> None:
        """Count more of what was let in already, beyond a full bucket too: the next one waits until it is filled again.

        Args:
            kind: What it was.
            client: Address of whose it was.
            amount: What it counts for, beyond what `take` returned.
        """
        self._filled(kind, client).left -= amount

    def _filled(self, kind: Kind, client: str) -> _Bucket:
        key, now, rate = (kind, network(client)), self._clock(), self._rates[kind]
        bucket = self._buckets.setdefault(key, _Bucket(rate.burst, now))
        self._buckets.move_to_end(key)
        bucket.left = min(rate.burst, bucket.left + (now - bucket.at) * rate.per_minute / 60)
        bucket.at = now
        while len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        return bucket


def network(client: str) -> str:
    """Return what counts as one client: an IPv4 address, the /64 network of an IPv6 one, any other text as it is."""
    try:
        address = ipaddress.ip_address(client.partition("%")[0])
    except ValueError:
        return client[:64]
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False))


def _counted(kind: Kind, per_minute: float) -> str:
    """Return what there are too many of, and how many there may be."""
    if kind == "bytes":
        return f"bytes (at most {per_minute / 1e6:g} MB"
    return f"requests of this kind (at most {per_minute:g}"
