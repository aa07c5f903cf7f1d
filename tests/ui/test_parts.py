"""What the pages are made of: paths, caches, background work, uploads, charts, the viewer's data."""

from __future__ import annotations

import base64
import os
import threading
import time
import tomllib

import numpy as np
import pytest
from conftest import EXAMPLE, ROOT
from streamlit.testing.v1 import AppTest
from support import working
from support.choosing import choose

from ellimaps.core.errors import ReadError, SettingError
from ellimaps.ui.components.viewer.viewer import MapPanel, _panel_data, display_step
from ellimaps.ui.pages.maps.loading import Source
from ellimaps.ui.pages.maps.refine import text_color
from ellimaps.ui.serving.serve import OPTIONS
from ellimaps.ui.shared import worker
from ellimaps.ui.shared.cache import BoundedCache
from ellimaps.ui.shared.data_root import example_folders, folders_from, inside_root, measurements_below
from ellimaps.ui.shared.jobs import Job
from ellimaps.ui.shared.worker import in_worker


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("text", ["..", "../..", "/etc", "//host/share", "\\\\host\\share", "a\0b", "link"])
def test_nothing_is_read_outside_the_data_root(text, root):
    (root / "link").symlink_to("/etc")
    with pytest.raises(ReadError):
        inside_root(text, root)


def test_the_examples_may_be_opened_from_any_data_root(root):
    assert inside_root(str(EXAMPLE), root) == EXAMPLE
    assert EXAMPLE in example_folders(root)
    with pytest.raises(ReadError):
        inside_root(str(ROOT / "docs"), root)


def test_measurements_below_are_found_within_bounds(root):
    for name in ("b/deep/maps", "a", ".hidden"):
        (root / name).mkdir(parents=True)
        (root / name / "x.ds.dat").touch()
    (root / "loop").symlink_to(root)
    assert measurements_below(root) == [root / "a", root / "b/deep/maps"]
    assert measurements_below(root, limit=1) == [root / "a"]
    assert list(folders_from(root, most=2)) == [root, root / "a"]


def test_a_cache_is_bounded_in_bytes():
    cache = BoundedCache(limit=100, size_of=len)
    for number in range(12):
        cache.get(number, lambda: b"x" * 10)
    assert len(cache) == 10
    assert cache.kept(1) is None
    assert cache.kept(11) == b"x" * 10
    cache.get("large", lambda: b"x" * 90)
    assert cache.size <= 100
    cache.get("too large", lambda: b"x" * 200)
    assert len(cache) == 1
    assert cache.kept("too large") is not None


def test_a_cache_without_sizes_is_bounded_in_number():
    cache = BoundedCache(limit=3)
    for number in range(5):
        cache.get(number, lambda: b"x")
    cache.get(2, lambda: b"never made")
    cache.get(9, lambda: b"x")
    assert [cache.kept(number) for number in (2, 3, 4, 9)] == [b"x", None, b"x", b"x"]


def test_two_users_never_compute_the_same():
    cache = BoundedCache(1000, len)

    def make():
        time.sleep(0.1)
        return b"x"

    threads = [threading.Thread(target=cache.get, args=("key", make)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cache.computed == 1


def test_work_that_failed_can_be_tried_again():
    cache = BoundedCache(1000, len)
    with pytest.raises(ReadError):
        cache.get("key", lambda: (_ for _ in ()).throw(ReadError("no")))
    assert cache.get("key", lambda: b"x") == b"x"


def test_a_job_tells_progress_and_stops():
    begun = threading.Event()

    def work(on_progress):
        for done in range(10_000):
            on_progress(done, 10_000, "working")
            begun.set()
            time.sleep(0.001)

    job = Job(work)
    assert begun.wait(10)
    assert job.running
    assert job.what == "working"
    job.stop()
    job.wait(10)
    assert not job.running
    assert (job.result, job.error) == (None, "Stopped.")


def test_a_job_that_fails_says_why():
    def work(_):
        raise SettingError("k does not fit.")

    job = Job(work)
    job.wait(10)
    assert job.error == "k does not fit."


@pytest.fixture
def worker_finds_tests(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(ROOT / "tests")]))


@pytest.mark.usefixtures("worker_finds_tests")
@pytest.mark.parametrize(
    ("work", "result", "error"),
    [
        (in_worker(working.double, 21), 42, None),
        (in_worker(working.refuse), None, "k does not fit."),
        (in_worker(working.break_down), None, "ZeroDivisionError: by zero"),
        (in_worker(working.die), None, "ended"),
    ],
)
def test_work_in_a_process_gives_its_result_or_says_why_not(work, result, error):
    job = Job(work)
    job.wait(60)
    assert job.result == result
    assert (error or "") in (job.error or "")


@pytest.mark.usefixtures("worker_finds_tests")
def test_a_process_that_has_done_its_work_ends_by_itself_in_silence(monkeypatch, capfd):
    monkeypatch.setattr(worker, "_GRACE_S", 60)
    job = Job(in_worker(working.double, 21))
    job.wait(60)
    assert job.result == 42
    assert capfd.readouterr().err.strip() == "a library that prints"


@pytest.mark.usefixtures("worker_finds_tests")
def test_work_in_a_process_stops_within_two_seconds(tmp_path):
    job = Job(in_worker(working.sleep_deaf, 60, tmp_path))
    for _ in range(600):
        if job.what == "sleeping":
            break
        time.sleep(0.05)
    pid = int((tmp_path / "pid").read_text())
    job.stop()
    job.wait(2)
    assert not job.running
    assert job.error == "Stopped."
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_changed_file_is_another_source(root):
    (root / "a.png").write_bytes(b"1")
    first = Source.of(root, None)
    assert Source.of(root, None) == first
    (root / "a.png").write_bytes(b"22")
    assert Source.of(root, None) != first


def test_large_maps_are_thinned_for_display_and_values_survive():
    assert display_step((260, 344)) == 1
    step = display_step((4000, 3000))
    assert 4000 * 3000 / step**2 <= 250_000
    image = np.linspace(-5, 300, 12, dtype=np.float32).reshape(3, 4)
    image[1, 1] = np.nan
    data = _panel_data(MapPanel("x", image, "deg"), 1)
    codes = np.frombuffer(base64.b64decode(data["codes"]), "<u2").reshape(3, 4)
    shown = data["low"] + codes / 65534 * (data["high"] - data["low"])
    assert codes[1, 1] == 65535
    assert np.nanmax(np.abs(np.where(codes < 65535, shown - image, 0))) < 0.005


def test_cluster_numbers_are_readable_on_their_colour():
    assert (text_color("#0072B2"), text_color("#F0E442")) == ("#FFFFFF", "#000000")


def test_an_installed_workbench_has_the_colors_of_a_checkout():
    themes = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"]
    assert themes
    for scheme, options in themes.items():
        for name, value in options.items():
            assert OPTIONS[f"theme.{scheme}.{name}"] == value


def chooser(first=""):
    def script(first):
        import streamlit as st

        from ellimaps.ui.shared.widgets import choose_below_root

        names = ["b/images", "a/images", "b/images", "."]
        st.caption(choose_below_root("Folder", names, key="cells_typed", placeholder="Type", first=first))

    return AppTest.from_function(script, args=(first,))


def chosen(page):
    assert not page.exception
    [caption] = page.caption
    return caption.value


def test_one_control_chooses_what_is_found_or_takes_a_path(root, monkeypatch):
    monkeypatch.setenv("ELLIMAPS_DATA_ROOT", str(root))
    page = chooser().run()
    assert chosen(page) == ""
    [box] = page.selectbox
    assert box.options == ["b/images", "a/images", "root"]
    assert chosen(choose(page, "cells_typed", "a/images")) == "a/images"
    assert chosen(choose(page, "cells_typed", " elsewhere/c ")) == "elsewhere/c"
    assert chosen(page.run()) == "elsewhere/c"
    for typed, taken in (("A/IM", "a/images"), ("images", "images")):
        assert chosen(choose(page, "cells_typed", typed)) == taken
    (root / "a").mkdir()
    assert chosen(choose(page, "cells_typed", "a")) == "a"
    assert not page.text_input


def test_what_is_chosen_first_stands_in_the_address_too(root, monkeypatch):
    """Another browser may have opened other folders: what is first there is not what was first here."""
    monkeypatch.setenv("ELLIMAPS_DATA_ROOT", str(root))
    page = chooser("b/images").run()
    assert chosen(page) == "b/images"
    assert page.query_params["cells_typed"] == "b/images"
    assert chosen(choose(page, "cells_typed", None)) == "b/images"


@pytest.mark.parametrize(
    ("address", "meant"),
    [
        ({"cells_found": "a/images"}, "a/images"),
        ({"cells_found": "a/images", "cells_typed": "c"}, "c"),
        ({"cells_found": "(data root)"}, "."),
        ({"cells_found": "root"}, "."),
        ({"cells_typed": "gone"}, "gone"),
    ],
)
def test_addresses_of_when_there_were_two_controls_still_open(address, meant, root, monkeypatch):
    monkeypatch.setenv("ELLIMAPS_DATA_ROOT", str(root))
    page = chooser("b/images")
    for name, value in address.items():
        page.query_params[name] = value
    assert chosen(page.run()) == meant
    assert chosen(page.run()) == meant


def test_back_undoes_a_choice(root, monkeypatch):
    monkeypatch.setenv("ELLIMAPS_DATA_ROOT", str(root))
    page = choose(chooser("b/images").run(), "cells_typed", "a/images")
    assert page.query_params["cells_typed"] == "a/images"
    page.query_params["cells_typed"] = "b/images"
    assert chosen(page.run()) == "b/images"
    assert chosen(page.run()) == "b/images"
