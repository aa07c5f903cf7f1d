"""Model files: the same after loading, damaged or foreign ones refused with a sentence; the commands."""

from __future__ import annotations

import copy
import io
import json
import os
import pickle
import zipfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn
import skops.io
import tifffile
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer
from support.cell_pictures import branched, compact, labelled_folder
from support.zarr_stores import write_image, write_plate
from typer.testing import CliRunner

from ellimaps.classify import PopulationModel, load_classifier, load_model, read_labels, save_model, train
from ellimaps.classify.image_folder import image_files
from ellimaps.classify.images import read_image
from ellimaps.classify.model_file import MAX_BYTES, model_bytes
from ellimaps.cli import cli
from ellimaps.core.errors import EllimapsError, ExportError, ReadError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return labelled_folder(tmp_path_factory.mktemp("cells"), count=6)


@pytest.fixture(scope="module")
def model(folder: tuple[Path, Path]) -> PopulationModel:
    return train(folder[0], read_labels(folder[1], folder[0]), repeats=1).model


@pytest.fixture
def saved(model: PopulationModel, tmp_path: Path) -> Path:
    save_model(model, tmp_path / "cells.ellimodel")
    return tmp_path / "cells.ellimodel"


def parts_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write_parts(path: Path, parts: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def test_a_loaded_model_answers_as_before(model: PopulationModel, saved: Path) -> None:
    loaded = load_model(saved)
    for made in (branched(40), compact(41)):
        assert loaded.predict(made).probability == model.predict(made).probability
    assert loaded.classes == [0, 1]
    assert loaded.label_name == "is_homogenous"
    assert len(loaded.version) == 12
    assert loaded.provenance["seed"] == 0
    assert len(loaded.provenance["inputs_sha256"]) == 12


def test_saving_again_gives_the_same_bytes(saved: Path, tmp_path: Path) -> None:
    loaded = load_model(saved)
    again = save_model(loaded, tmp_path / "again.ellimodel")
    assert (tmp_path / "again.ellimodel").read_bytes() == saved.read_bytes()
    assert again.version == loaded.version


def test_a_file_holds_no_pickle(saved: Path) -> None:
    inner = zipfile.ZipFile(io.BytesIO(parts_of(saved)["model.skops"]))
    assert {Path(name).suffix for name in inner.namelist()} <= {".npy", ".json"}
    for name in inner.namelist():
        if name.endswith(".npy"):
            np.load(io.BytesIO(inner.read(name)), allow_pickle=False)


def test_a_changed_byte_is_found(saved: Path) -> None:
    whole = saved.read_bytes()
    for position in np.linspace(0, len(whole) - 1, 200).astype(int):
        changed = bytearray(whole)
        changed[position] ^= 1
        saved.write_bytes(changed)
        with pytest.raises(ReadError, match=r"^The model .*cells\.ellimodel was changed.*train anew"):
            load_model(saved)


def test_models_of_earlier_versions_have_no_sum(saved: Path, model: PopulationModel) -> None:
    write_parts(saved, parts_of(saved))
    assert load_model(saved).classes == model.classes


def test_damaged_files_are_refused(saved: Path) -> None:
    content = saved.read_bytes()
    for size in (0, 10, 1000, len(content) // 2, len(content) - 5):
        saved.write_bytes(content[:size])
        with pytest.raises(ReadError, match=r"cells\.ellimodel"):
            load_model(saved)
    random = np.random.default_rng(0)
    for _ in range(30):
        bad = bytearray(content)
        for place in random.integers(0, len(bad), 20):
            bad[place] ^= int(random.integers(1, 256))
        saved.write_bytes(bytes(bad))
        # A flipped bit in a number may go unnoticed; anything else must be a sentence.
        with suppress(ReadError):
            load_model(saved)


@pytest.mark.parametrize("hostile", [FunctionTransformer(os.getcwd), os.getcwd, {"a": print}], ids=str)
def test_foreign_types_are_refused_and_named(saved: Path, hostile: Any) -> None:
    parts = parts_of(saved)
    write_parts(saved, parts | {"model.skops": skops.io.dumps({"calibration": hostile})})
    with pytest.raises(ReadError, match="not trusted"):
        load_model(saved)


class Trap:
    """What leaves a trace where it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.trace,))


@pytest.mark.parametrize("place", ["instead", "parts", "array"])
def test_a_pickle_is_never_loaded(saved: Path, tmp_path: Path, place: str) -> None:
    """Neither as the file, nor as one in it, nor as an array of objects in one in it."""
    trace = tmp_path / "trace"
    pickled = pickle.dumps(Trap(trace))
    # The trap works.
    pickle.loads(pickled)  # noqa: S301
    assert trace.exists()
    trace.unlink()
    parts = parts_of(saved)
    if place == "instead":
        saved.write_bytes(pickled)
    elif place == "parts":
        write_parts(saved, parts | {"model.skops": pickled})
    else:
        array = io.BytesIO()
        np.save(array, np.array([Trap(trace)], dtype=object), allow_pickle=True)
        inner = io.BytesIO()
        with (
            zipfile.ZipFile(io.BytesIO(parts["model.skops"])) as read,
            zipfile.ZipFile(inner, "w") as archive,
        ):
            for name in read.namelist():
                archive.writestr(name, array.getvalue() if name.endswith(".npy") else read.read(name))
        write_parts(saved, parts | {"model.skops": inner.getvalue()})
    with pytest.raises(ReadError, match=r"cells\.ellimodel"):
        load_model(saved)
    assert not trace.exists()


def test_a_file_may_not_unpack_to_more_than_the_limit(saved: Path) -> None:
    with zipfile.ZipFile(saved, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.json", b"0" * (MAX_BYTES + 1))
    assert saved.stat().st_size < 1 << 20
    with pytest.raises(ReadError, match="64 MB"):
        load_model(saved)


@pytest.mark.parametrize(
    "change",
    [
        {"format": "other"},
        {"weights": [1.0]},
        {"typical": [0.0]},
        {"measurements": 3},
        {"measurements": "solidity"},
        {"measurements": []},
        {"classes": [0, 1, 2]},
        {"classes": [0]},
        {"classes": [0, 0]},
        {"classes": [0, True]},
        {"classes": [0, "1"]},
        {"classes": [0.5, 1.5]},
        {"classes": [[0], [1]]},
        {"classes": {"0": 0, "1": 1}},
        {"classes": ["\ud800", "b"]},
        {"label_name": 3},
        {"label_name": ""},
        {"label_name": "probability"},
        {"label_name": "\udcff"},
        {"unit": "mm"},
        {"unit": "um", "pixel_size_um": None},
        {"pixel_size_um": "1"},
        {"pixel_size_um": -1.0},
        {"pixel_size_um": float("inf")},
        {"pixel_size_um": True},
        {"provenance": []},
        {"typical": [[0.0]]},
        {"typical": None},
        {"weights": [float("nan")] * 2},
        {"weights": [float("inf")] * 2},
    ],
    ids=str,
)
def test_facts_that_do_not_fit_are_refused(saved: Path, change: dict[str, Any]) -> None:
    parts = parts_of(saved)
    facts = json.loads(parts["model.json"]) | change
    write_parts(saved, parts | {"model.json": json.dumps(facts).encode()})
    with pytest.raises(ReadError, match=r"cells\.ellimodel"):
        load_model(saved)


@pytest.mark.parametrize("strange", ["no_such", "", 3, None, ["solidity"]], ids=str)
def test_a_model_that_looks_at_what_is_not_measured_is_refused(saved: Path, strange: Any) -> None:
    """As one of another version may: it loaded, and every image was refused."""
    parts = parts_of(saved)
    facts = json.loads(parts["model.json"])
    facts["measurements"][3] = strange
    write_parts(saved, parts | {"model.json": json.dumps(facts).encode()})
    with pytest.raises(ReadError, match=r"cells\.ellimodel .* (no_such|names|not measured)") as refused:
        load_model(saved)
    assert str(refused.value).endswith(": copy it again or train anew.")


@pytest.mark.parametrize("name", ["low", "high", "typical"])
def test_ranges_that_are_no_numbers_are_refused(saved: Path, name: str) -> None:
    parts = parts_of(saved)
    facts = json.loads(parts["model.json"])
    for bad in (float("nan"), 1e308, -1e308):
        facts[name][3] = bad
        write_parts(saved, parts | {"model.json": json.dumps(facts).encode()})
        with pytest.raises(ReadError, match="its ranges are not those of images"):
            load_model(saved)


def with_calibration(saved: Path, model: PopulationModel, change: Any) -> None:
    """Write the model again with another calibration."""
    calibration = copy.deepcopy(model.classifier.calibration)
    change(calibration)
    classifier = replace(model.classifier, calibration=calibration)
    saved.write_bytes(model_bytes(replace(model, classifier=classifier)))


@pytest.mark.parametrize(
    "change",
    [
        lambda one: setattr(one, "coef_", one.coef_ * np.nan),
        lambda one: setattr(one, "coef_", np.ones((3, 1))),
        lambda one: setattr(one, "coef_", np.ones((1, 7))),
        lambda one: setattr(one, "coef_", "text"),
        lambda one: setattr(one, "intercept_", np.array([1e308, 1.0])),
        lambda one: delattr(one, "intercept_"),
        lambda one: delattr(one, "classes_"),
        lambda one: setattr(one, "n_features_in_", 5),
        lambda one: setattr(one, "predict_proba", 3),
    ],
)
def test_a_calibration_that_cannot_answer_is_refused(
    saved: Path, model: PopulationModel, change: Any
) -> None:
    with_calibration(saved, model, change)
    with pytest.raises(ReadError, match=r"cells\.ellimodel is damaged"):
        load_model(saved)


def test_another_version_of_scikit_learn_is_no_matter_where_it_answers_alike(
    saved: Path, model: PopulationModel, recwarn: pytest.WarningsRecorder
) -> None:
    parts = parts_of(saved)
    with zipfile.ZipFile(io.BytesIO(parts["model.skops"])) as archive:
        inner = {name: archive.read(name) for name in archive.namelist()}
    schema = inner["schema.json"].replace(sklearn.__version__.encode(), b"0.99.0")
    assert schema != inner["schema.json"]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, one in {**inner, "schema.json": schema}.items():
            archive.writestr(name, one)
    write_parts(saved, parts | {"model.skops": packed.getvalue()})
    assert load_model(saved).predict(branched(40)).probability == model.predict(branched(40)).probability
    assert not list(recwarn)


def test_one_that_answers_otherwise_is_refused(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def otherwise(_: Any, rows: Any) -> Any:
        return np.full((len(rows), 2), 0.5)

    monkeypatch.setattr(LogisticRegression, "predict_proba", otherwise)
    with pytest.raises(ReadError, match="this version of scikit-learn"):
        load_model(saved)


def test_other_files_are_no_models(folder: tuple[Path, Path], tmp_path: Path) -> None:
    for path in (folder[1], folder[0] / "001.tif", tmp_path / "none", tmp_path):
        with pytest.raises(ReadError):
            load_model(path)


def test_a_model_is_not_written_where_that_is_impossible(model: PopulationModel, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportError):
        save_model(model, tmp_path / "file" / "m.ellimodel")


def call(*arguments: object) -> Any:
    result = CliRunner().invoke(cli, ["cells", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return json.loads(result.stdout) if "--json" in map(str, arguments) else result.stdout


def test_the_commands_from_folder_to_score(folder: tuple[Path, Path], tmp_path: Path) -> None:
    images, labels = folder
    out = tmp_path / "new" / "cells.ellimodel"
    before = sorted(images.iterdir())
    facts = call("train", images, "--labels", labels, "--out", out, "--repeats", 2, "--json")
    assert facts["score"] == 1
    assert facts["counts"] == [6, 6]
    assert {"version", "recalls", "confusion", "mistakes", "score_interval", "warnings"} <= set(facts)
    assert out.with_suffix(".html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert sorted(images.iterdir()) == before
    with pytest.raises(EllimapsError, match="both the model and its report"):
        call("train", images, "--labels", labels, "--out", tmp_path / "model.html")
    rows = call("predict", images / "001.tif", images / "002.tif", "--model", out, "--json")
    assert [set(row) for row in rows] == [{"file", "is_homogenous", "probability", "seconds", "warnings"}] * 2
    assert [row["is_homogenous"] for row in rows] == [0, 1]
    scored = call("score", images, "--labels", labels, "--model", out, "--json")
    assert scored == {"score": 1.0, "a0": 6, "a1": 6, "n0": 6, "n1": 6}
    one = tmp_path / "one.csv"
    one.write_text("image_id,is_homogenous\n1,0\n")
    scored = call("score", images, "--labels", one, "--model", out, "--json")
    assert scored == {"score": 1.0, "a0": 1, "a1": 0, "n0": 1, "n1": 0}
    assert "is_homogenous" in call("predict", images / "001.tif", "--model", out)
    assert "score 1.0000" in call("score", images, "--labels", labels, "--model", out)


def test_models_and_labels_in_streams(folder: tuple[Path, Path], saved: Path) -> None:
    images, labels = folder
    assert load_classifier(io.BytesIO(saved.read_bytes()), "mine").version == load_model(saved).version
    with pytest.raises(ReadError, match=r"^The model mine is damaged"):
        load_classifier(io.BytesIO(b"none"), "mine")
    given = read_labels(io.BytesIO(labels.read_bytes()), images, "mine")
    assert given.table.equals(read_labels(labels, images).table)
    with pytest.raises(ReadError, match=r"^mine needs a row per image"):
        read_labels(io.BytesIO(b"image_id\n1\n"), images, "mine")


def test_bad_input_is_an_error_of_the_package(folder: tuple[Path, Path], saved: Path, tmp_path: Path) -> None:
    images, labels = folder
    with pytest.raises(ReadError, match="neither"):
        call("predict", labels, "--model", saved)
    with pytest.raises(ReadError, match="cannot be read"):
        call("predict", images / "001.tif", "--model", tmp_path / "none")
    other = tmp_path / "other.csv"
    other.write_text("image_id,kind\n1,round\n")
    with pytest.raises(EllimapsError, match="knows"):
        call("score", images, "--labels", other, "--model", saved)


def test_ome_zarr_images_of_a_folder_are_classified_as_their_tiffs(tmp_path, model):
    for number in range(2):
        image = compact(number)
        tifffile.imwrite(tmp_path / f"{number}.tif", image)
        write_image(tmp_path / f"{number}.zarr", image)
    names = ["0.tif", "0.zarr", "1.tif", "1.zarr"]
    assert list(image_files(tmp_path)) == names
    answers = [model.predict(read_image(tmp_path / name)[0]) for name in names]
    assert answers[0].probabilities == answers[1].probabilities
    assert answers[2].probabilities == answers[3].probabilities
    assert read_image(tmp_path / "0.zarr")[1] == 0.325


def test_a_plate_is_no_image_to_classify(tmp_path):
    write_plate(tmp_path / "p.zarr", {"A1": [compact(1)[None]], "A2": [compact(2)[None]]})
    with pytest.raises(ReadError, match="a Zarr store of 2 images"):
        read_image(tmp_path / "p.zarr")
