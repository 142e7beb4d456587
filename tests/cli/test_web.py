from __future__ import annotations

import sys

import pytest
from click.testing import CliRunner

from ferce_agent.cli import main
from ferce_agent.cli.web import announce, listening_socket
from ferce_agent.errors import SettingsError
from ferce_agent.web.listening import bound_socket


def test_where_the_usual_port_is_taken_another_one_is(capsys: pytest.CaptureFixture[str]) -> None:
    with bound_socket("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match="Address already in use"):
            listening_socket("127.0.0.1", port, is_chosen=True)
        with listening_socket("127.0.0.1", port, is_chosen=False) as other:
            assert other.getsockname()[1] != port
    assert capsys.readouterr().err == f"ferce: port {port} is in use; another one is taken.\n"
    with pytest.raises(SettingsError, match=r"cannot listen on 203\.0\.113\.7"):
        listening_socket("203.0.113.7", 0, is_chosen=False)


@pytest.mark.parametrize(
    ("host", "address", "warned"),
    [
        ("127.0.0.1", "http://127.0.0.1:80/#token=t", False),
        ("::1", "http://[::1]:80/#token=t", False),
        ("localhost", "http://localhost:80/#token=t", False),
        ("0.0.0.0", "http://localhost:80/#token=t", True),
        ("::", "http://localhost:80/#token=t", True),
        ("10.0.0.7", "http://10.0.0.7:80/#token=t", True),
    ],
)
def test_the_address_goes_to_standard_output_alone(
    capsys: pytest.CaptureFixture[str], host: str, address: str, warned: bool
) -> None:
    announce(host, 80, "t", opens=False)
    said = capsys.readouterr()
    assert said.out == f"{address}\n"
    assert "Stop with Ctrl-C" in said.err
    assert ("not encrypted" in said.err) == warned
    assert ("in place of localhost" in said.err) == (host in {"0.0.0.0", "::"})
    assert "#token" not in said.err


def test_without_the_extra_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fastapi", None)  # as where it is not installed
    done = CliRunner().invoke(main, ["web", "--port", "0"])
    assert done.exit_code == 1
    assert "pip install 'ferce-agent[web]'" in done.stderr


def test_help_says_what_it_does() -> None:
    told = " ".join(CliRunner().invoke(main, ["web", "--help"]).stdout.split())
    assert "Nothing that is sent is kept or written to disk" in told
    for option in ("--port", "--host", "--allow-host", "--model", "--open", "--domain", "--vlm"):
        assert option in told
