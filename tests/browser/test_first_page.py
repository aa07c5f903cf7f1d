from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from conftest import ROOT


@pytest.fixture(scope="module")
def workbench():
    """The address of a running workbench on the examples."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-c", "from ellimaps.cli import main; main()", "app", "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--data-root", str(ROOT / "data_example")],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    address = f"http://127.0.0.1:{port}"
    _wait(f"{address}/_stcore/health", process)
    yield address
    process.terminate()
    process.wait(20)


def _wait(url, process):
    for _ in range(300):
        assert process.poll() is None, process.stdout.read().decode()
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{url} did not answer")


def test_folder_to_clusters_in_the_browser(chromium, workbench):
    page = chromium.new_page(viewport={"width": 1280, "height": 800})
    page.goto(workbench)
    page.get_by_label("Folder").fill("terraces")
    page.get_by_role("button", name="Open").click()
    page.get_by_text("Angle of incidence").wait_for()
    page.get_by_role("button", name="Estimate").click()
    page.get_by_text("k = 4: the silhouette").wait_for(timeout=30_000)
    page.get_by_role("button", name="Segment").click()
    page.get_by_text("n_pixels").or_(page.get_by_test_id("stDataFrame")).first.wait_for(timeout=30_000)
    assert page.get_by_test_id("stException").count() == 0
    page.screenshot(path=str(ROOT / "results" / "first_page.png"), full_page=True)
