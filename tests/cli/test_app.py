"""``ellimaps app``: where it may be served, and to whom."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from browser.conftest import free_port
from conftest import ROOT

RUN = "from ellimaps.cli import main; main()"
COMPLETE = """
[auth]
redirect_uri = "http://127.0.0.1:8501/oauth2callback"
cookie_secret = "0123456789abcdef0123456789abcdef"
client_id = "ellimaps"
client_secret = "secret"
server_metadata_url = "http://127.0.0.1:9/.well-known/openid-configuration"
"""


def app(folder, *options, code="", secrets=""):
    """What is said when the workbench is to be served; instead of serving it says so."""
    (folder / ".streamlit").mkdir()
    if secrets:
        (folder / ".streamlit" / "secrets.toml").write_text(secrets)
    faked = "import sys, ellimaps.ui.serving.serve as s; s.serve = lambda *_, **__: print('serves'); "
    command = [sys.executable, "-c", faked + code + RUN, "app", "--data-root", str(ROOT / "data_example")]
    home = {"HOME": str(folder), "USERPROFILE": str(folder)}
    done = subprocess.run(
        [*command, "--port", str(free_port()), *options],
        cwd=folder,
        env=os.environ | home,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_who_comes_from_another_machine_has_to_sign_in(tmp_path):
    code, said = app(tmp_path, "--host", "0.0.0.0")
    assert code == 2
    assert "nobody would have to sign in" in said
    assert "--allow-anonymous" in said
    assert "Traceback" not in said
    assert "serves" not in said


@pytest.mark.parametrize(
    ("options", "secrets"),
    [
        (("--host", "127.0.0.1"), ""),
        (("--host", "localhost"), ""),
        (("--host", "0.0.0.0", "--allow-anonymous"), ""),
        (("--host", "0.0.0.0"), COMPLETE),
    ],
)
def test_on_this_machine_or_with_a_sign_in_or_when_told_so_it_serves(tmp_path, options, secrets):
    code, said = app(tmp_path, *options, secrets=secrets)
    assert (code, said.splitlines()[-1]) == (0, "serves"), said


@pytest.mark.parametrize("missing", ["client_id", "cookie_secret", "redirect_uri", "server_metadata_url"])
def test_an_incomplete_sign_in_is_told_at_the_start(tmp_path, missing):
    secrets = "\n".join(line for line in COMPLETE.splitlines() if not line.startswith(missing))
    code, said = app(tmp_path, "--host", "127.0.0.1", secrets=secrets)
    assert code == 2
    assert missing in said
    assert "Traceback" not in said


def test_a_missing_library_names_its_extra(tmp_path):
    code, said = app(
        tmp_path, "--host", "127.0.0.1", code="sys.modules['authlib'] = None; ", secrets=COMPLETE
    )
    assert code == 2
    assert "ellimaps[sign-in]" in said


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:"),
        ("0.0.0.0", "http://localhost:"),
        ("localhost", "http://localhost:"),
    ],
)
def test_the_address_it_tells_can_be_opened(tmp_path, host, address):
    code, said = app(tmp_path, "--host", host, "--allow-anonymous")
    assert code == 0
    assert f"ellimaps workbench: {address}" in said
