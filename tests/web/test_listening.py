from __future__ import annotations

import socket

import pytest

from ferce_agent.errors import SettingsError
from ferce_agent.web.listening import authority, bare, bound_socket


def test_sockets_on_both_protocols() -> None:
    with bound_socket("localhost", 0) as listening:
        assert listening.getsockname()[1] > 0
    if socket.has_ipv6:
        with bound_socket("[::1]", 0) as listening:
            assert listening.family is socket.AF_INET6


def test_short_messages_are_sent_at_once() -> None:
    with bound_socket("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname()):
        connection, _ = listening.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_port_in_use_is_said_in_plain_words() -> None:
    with bound_socket("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"cannot listen on 127.0.0.1, port {port}: Address already in use"):
            bound_socket("127.0.0.1", port)


@pytest.mark.parametrize("host", ["no such host", "203.0.113.7", "x" * 70 + ".example", "ü" * 80])
def test_a_host_that_is_not_this_machine_is_refused(host: str) -> None:
    with pytest.raises(SettingsError, match="cannot listen on"):
        bound_socket(host, 0)


def test_addresses_of_both_protocols() -> None:
    assert authority("::1", 80) == authority("[::1]", 80) == "[::1]:80"
    assert authority("localhost", 8765) == "localhost:8765"
    assert bare("[::1]") == "::1"
    assert bare("LocalHost") == "localhost"
