"""Signing in at a provider of OpenID Connect, and what one user sees of another."""

from __future__ import annotations

import re
import textwrap

import pytest
from browser.conftest import free_port, idle, serve
from conftest import ROOT
from joserfc.jwk import RSAKey
from support.oidc_provider import provider


@pytest.fixture
def guarded(tmp_path):
    """A workbench where one has to sign in, and the provider."""
    port = free_port()
    secrets = tmp_path / ".streamlit" / "secrets.toml"
    secrets.parent.mkdir()
    with provider() as running:
        secrets.write_text(textwrap.dedent(running.secrets(f"http://127.0.0.1:{port}")))
        with serve(ROOT / "data_example", tmp_path, port) as workbench:
            yield workbench, running


def sign_in(page, name):
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name=name).click()


def arrived(page):
    page.get_by_role("textbox", name="Measurement folder").wait_for()
    idle(page)


def test_users_sign_in_and_do_not_meet(chromium, guarded):
    workbench, running = guarded
    alice, bob = (chromium.new_context().new_page() for _ in range(2))
    for path in ("/plates", "/"):
        alice.goto(workbench.address + path)
        alice.get_by_role("button", name="Sign in").wait_for()
        assert alice.get_by_role("link", name="Maps").count() == 0
        assert alice.locator("input[type=file]").count() == 0
    sign_in(alice, "alice")
    arrived(alice)
    alice.get_by_role("button", name="terraces", exact=True).first.click()
    alice.get_by_text("Angle of incidence").wait_for()
    idle(alice)
    assert running.signed_in == 1

    bob.goto(workbench.address)
    sign_in(bob, "bob")
    arrived(bob)
    assert bob.get_by_text("Recent").count() == 0
    # A link to her work, with its token, shows him none of it.
    bob.goto(re.sub("&folder=.*", "", alice.url))
    arrived(bob)
    assert bob.get_by_text("Recent").count() == 0

    at_home = chromium.new_context().new_page()
    at_home.goto(workbench.address)
    sign_in(at_home, "alice")
    arrived(at_home)
    at_home.get_by_text("Recent").wait_for()
    assert at_home.locator(".st-key-recent").get_by_text("terraces").count() == 1
    at_home.get_by_role("link", name="Sign out").click()
    at_home.get_by_role("button", name="Sign in").wait_for()
    at_home.goto(workbench.address)
    at_home.get_by_role("button", name="Sign in").wait_for()
    assert workbench.complaints() == []


def test_a_token_signed_by_somebody_else_opens_nothing(chromium, guarded):
    workbench, running = guarded
    running.signs_with = RSAKey.generate_key(2048, {"kid": "one"})
    page = chromium.new_context().new_page()
    page.goto(workbench.address)
    sign_in(page, "alice")
    page.wait_for_url(f"{workbench.address}/*")
    page.goto(workbench.address)
    page.get_by_role("button", name="Sign in").wait_for()
    assert running.signed_in == 1


def test_a_configuration_taken_away_opens_nothing(chromium, guarded):
    workbench, _ = guarded
    (workbench.folder / ".streamlit" / "secrets.toml").unlink()
    page = chromium.new_context().new_page()
    page.goto(workbench.address)
    page.get_by_role("button", name="Sign in").wait_for()
    assert page.get_by_role("link", name="Maps").count() == 0
