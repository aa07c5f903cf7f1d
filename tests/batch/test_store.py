"""What a batch keeps: whole, as it was written, and never beside what is of another run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest
from support.hanging import Hanging

from ellimaps.batch.asked import read_asked
from ellimaps.batch.cells import CellWork
from ellimaps.batch.engines import local_processes
from ellimaps.batch.results import read_results
from ellimaps.batch.runner import run_batch, tree_of
from ellimaps.batch.store import Store, read_record
from ellimaps.batch.work import Output, attempt
from ellimaps.core.errors import ReadError
from ellimaps.objects.analysis import CellSettings
from ellimaps.samples import sample_cells, sample_plate

DEEP = b"[" * 100_000


def in_process(work, tasks):
    return ((task, attempt(work, task.item.argument, task.files)) for task in tasks)


def files(out):
    return sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())


def kept(out, *roles, recipe="r"):
    with Store(out).opened() as store:
        store.keep("k", "i", recipe, Output(dict.fromkeys(roles, b"x"), {}, {}, {}))


class Killed(BaseException):
    """As if the process had ended."""


@pytest.mark.parametrize("after", range(6))
def test_what_a_killed_run_left_of_an_image_is_removed_by_the_next(tmp_path, monkeypatch, after):
    kept(tmp_path / "expected", "c.txt")
    kept(tmp_path / "out", "a.txt", "b.txt")
    genuine, count = Store.publish, 0

    def publish(store, path, name):
        nonlocal count
        if count == after:
            raise Killed
        count += 1
        genuine(store, path, name)

    monkeypatch.setattr(Store, "publish", publish)
    with pytest.raises(Killed):
        kept(tmp_path / "out", "d.txt", "e.txt", "f.txt", "g.txt", recipe="other")
    monkeypatch.setattr(Store, "publish", genuine)
    record = read_record(tmp_path / "out", "k")
    assert record.recipe != "other"
    kept(tmp_path / "out", "c.txt")
    assert files(tmp_path / "out") == files(tmp_path / "expected")


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images") / "root"
    return sample_cells(
        folder, dates=1, subjects=1, experiments=1, fovs=3, size=(96, 96), count=(2, 3), radius=(8, 16)
    )


def detect(images, out, radius=(8, 25)):
    work = CellWork(CellSettings(radius=radius))
    return run_batch(tree_of(images, out, None, folders=False), work, out, in_process)


def test_a_changed_result_is_measured_again(images, tmp_path):
    detect(images, tmp_path)
    table = next((tmp_path / "objects").rglob("*.csv"))
    whole = table.read_bytes()
    table.write_bytes(whole.replace(b"1", b"2", 1))
    summary = detect(images, tmp_path)
    assert (summary.done, summary.skipped) == (1, 2)
    assert table.read_bytes() == whole


def test_a_record_of_an_earlier_version_is_believed(images, tmp_path):
    detect(images, tmp_path)
    for record in (tmp_path / ".ellimaps" / "records").rglob("*.json"):
        facts = json.loads(record.read_text())
        del facts["sums"]
        record.write_text(json.dumps(facts))
    assert detect(images, tmp_path).skipped == 3


@pytest.mark.parametrize("name", ["experiments.parquet", "images.csv", "failures.csv"])
def test_a_changed_table_is_not_shown(images, tmp_path, name):
    detect(images, tmp_path)
    content = bytearray((tmp_path / name).read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ReadError, match=f"{name} was changed .*: run the batch again"):
        read_results(tmp_path)


def test_results_without_sums_are_shown(images, tmp_path):
    detect(images, tmp_path)
    (tmp_path / "batch.json").unlink()
    shutil.rmtree(tmp_path / ".ellimaps")
    results = read_results(tmp_path)
    assert results.picture(results.images.iloc[0]).is_file()


def test_a_picture_of_another_run_is_not_shown_beside_the_tables(images, tmp_path, monkeypatch):
    detect(images, tmp_path)
    genuine, count = Store.keep, 0

    def keep(store, *given):
        nonlocal count
        count += 1
        if count == 2:
            raise Killed
        genuine(store, *given)

    monkeypatch.setattr(Store, "keep", keep)
    with pytest.raises(Killed):
        detect(images, tmp_path, radius=(5, 30))
    results = read_results(tmp_path)
    pictures = [results.picture(image) for _, image in results.images.iterrows()]
    assert [picture is None for picture in pictures] == [True, False, False]
    monkeypatch.setattr(Store, "keep", genuine)
    detect(images, tmp_path, radius=(5, 30))
    results = read_results(tmp_path)
    assert all(results.picture(image) for _, image in results.images.iterrows())


@pytest.mark.parametrize(
    "content", [b"", DEEP, b"[]", b'{"input": 3}', b'{"input": "a", "recipe": [], "files": 3}']
)
def test_records_and_notes_that_are_none_are_as_if_they_were_not_there(images, tmp_path, content):
    detect(images, tmp_path)
    for path in (tmp_path / ".ellimaps").rglob("*.json"):
        path.write_bytes(content)
    assert read_asked(tmp_path) is None
    results = read_results(tmp_path)
    assert len(results.images) == 3
    assert detect(images, tmp_path).done == 3


@pytest.mark.parametrize("content", [DEEP, b"[]", b"{", b"\xff"])
def test_a_listing_that_is_none_is_a_sentence(images, tmp_path, content):
    detect(images, tmp_path)
    (tmp_path / "batch.json").write_bytes(content)
    with pytest.raises(ReadError, match=r"batch\.json is damaged"):
        read_results(tmp_path)
    detect(images, tmp_path)
    assert len(read_results(tmp_path).images) == 3


@pytest.mark.skipif(sys.platform == "win32", reason="files cannot be limited there")
@pytest.mark.parametrize("most_bytes", [0, 3_000, 40_000])
def test_a_plate_on_a_full_disk_is_a_sentence(tmp_path, most_bytes):
    plate = sample_plate(tmp_path / "plate", fields=1, size=128, only_wells=2)
    options = (
        "--layout",
        plate / "layout.csv",
        "--out",
        tmp_path / "out",
        "--workers",
        "1",
        "--radius",
        2,
        8,
    )
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({most_bytes},) * 2)\n"
    command = [sys.executable, "-c", f"{limited}from ellimaps.cli import main; main()", "plates", "profile"]
    command = [*command, plate / "images", *options]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 3, done.stderr
    assert "cannot be written (File too large): make room" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.rglob(".ellimaps-*"))


def test_failures_know_the_reason_after_a_kill(tmp_path, images):
    work = Hanging(tmp_path, ("fov_01",))
    out = tmp_path / "out"
    summary = run_batch(tree_of(images, out, None, folders=False), work, out, local_processes(1))
    assert summary.failed == 1
    assert "took longer" in read_results(out).failures["Reason"].iloc[0]
