"""Ways of adding up clients' answers that bear some bad ones: Flower's own strategies, by name."""

from __future__ import annotations

from typing import Any, Final

from ferce_agent.errors import SettingsError

AGGREGATES: Final = ("mean", "median", "trimmed", "krum")
"""The mean by number of faces; the median of each number; its mean without the outer quarters (Yin et al. 2018);
Multi-Krum (Blanchard et al. 2017), the mean of the answers that lie closest together."""
TRIMMED: Final = 0.25
"""Share of answers that the trimmed mean leaves out at each end."""
BORNE: Final = 5
"""Multi-Krum bears one bad client in so many, at least one."""


def check_aggregate(name: str) -> None:
    """Check the name of a way of adding up.

    Raises:
        SettingsError: There is no such way.
    """
    if name not in AGGREGATES:
        raise SettingsError(
            f"'{name[:40]}' is no way of adding up clients' answers.", hint=f"Use {', '.join(AGGREGATES)}."
        )


def robust(name: str, clients: int, **given: int) -> Any:
    """Return Flower's strategy of a way of adding up.

    Args:
        name: One of `AGGREGATES`.
        clients: How many there are.
        given: How many clients a round needs, in Flower's words.

    Raises:
        SettingsError: There is no such way.
    """
    from flwr.serverapp.strategy import FedAvg, FedMedian, FedTrimmedAvg

    check_aggregate(name)
    if name == "krum":
        return _krum(max(1, clients // BORNE), given)
    return (
        FedTrimmedAvg(**given, beta=TRIMMED)
        if name == "trimmed"
        else {"mean": FedAvg, "median": FedMedian}[name](**given)
    )


def _krum(bad: int, given: dict[str, int]) -> Any:
    from flwr.serverapp.strategy import MultiKrum

    class Krum(MultiKrum):  # type: ignore[misc]
        """Multi-Krum that leaves out as many answers where some clients gave none."""

        def aggregate_train(self, server_round: int, replies: Any) -> tuple[Any, Any]:
            """Add up all answers but the `2 * bad` that lie farthest from the others."""
            came = list(replies)
            self.num_nodes_to_select = max(1, len(came) - 2 * bad)
            arrays, metrics = super().aggregate_train(server_round, came)
            return arrays, metrics

    return Krum(**given, num_malicious_nodes=bad)
