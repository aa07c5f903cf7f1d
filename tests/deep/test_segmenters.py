"""Objects of Cellpose and StarDist are those of their own call; without weights nothing is fetched.

Where a library is installed it is asked with small random weights, saved by its own classes: what published
weights find is not tested here.
"""

from __future__ import annotations

import json
import socket
import sys
import time
from importlib.util import find_spec
from types import ModuleType, SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import tifffile
from support.stacks import one_sentence
from typer.testing import CliRunner

from ellimaps.batch.work import attempt
from ellimaps.cli import cli
from ellimaps.core.errors import EllimapsError, MissingExtraError, ReadError, SettingError
from ellimaps.deep.segmenters import segmenter
from ellimaps.samples.nuclei import nuclei_phantom

MADE = nuclei_phantom((21, 4), size=(96, 128), count=6)


@pytest.fixture
def no_socket(monkeypatch):
    """Whoever opens a socket fails, and is told of."""

    def refused(*_, **__):
        raise AssertionError("a socket was opened")

    class Refused(socket.socket):
        __init__ = refused

    monkeypatch.setattr(socket, "socket", Refused)
    monkeypatch.setattr(socket, "create_connection", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)


@pytest.fixture
def serial(monkeypatch):
    def engine(_workers):
        return lambda work, tasks: ((task, attempt(work, task.item.argument, task.files)) for task in tasks)

    monkeypatch.setattr("ellimaps.batch.engines.local_processes", engine)


@pytest.fixture
def fake(monkeypatch, tmp_path):
    """A library of the name of Cellpose, whose model knows the phantom; and a file of its weights."""
    library, models = ModuleType("cellpose"), ModuleType("cellpose.models")
    library.__spec__ = models.__spec__ = SimpleNamespace(name="cellpose", loader=None)
    asked = []

    class CellposeModel:
        def __init__(self, gpu, pretrained_model):
            asked.append((gpu, pretrained_model))

        def eval(self, image):
            asked.append(image)
            return MADE.labels.astype(np.uint16), None, None

    models.CellposeModel = CellposeModel
    monkeypatch.setitem(sys.modules, "cellpose", library)
    monkeypatch.setitem(sys.modules, "cellpose.models", models)
    weights = tmp_path / "mine"
    weights.write_bytes(b"numbers")
    return weights, asked


def detect(root, out, *options):
    given = ["cells", "detect", str(root), "--out", str(out), "--pattern", "{fov}", *map(str, options)]
    return CliRunner().invoke(cli, given)


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    tifffile.imwrite(folder / "one.tif", MADE.image)
    return folder


@pytest.mark.usefixtures("no_socket")
@pytest.mark.parametrize("network", ["cellpose", "stardist"])
def test_missing_weights_are_refused_at_once(root, tmp_path, network):
    # Of the processor: other work on the machine is none of this, and nothing here may wait for anybody.
    start = time.process_time()
    done = detect(root, tmp_path / "out", "--network", network, "--weights", tmp_path / "none")
    assert time.process_time() - start < 2
    assert isinstance(done.exception, ReadError)
    assert f"of {network} do not exist" in str(done.exception)
    assert "nothing is fetched" in str(done.exception)
    assert not (tmp_path / "out").exists()
    assert not {"torch", "cellpose.models", "tensorflow", "stardist"} & (set(sys.modules) - LOADED)


LOADED = set(sys.modules)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--network", "cellpose"], "together"),
        (["--weights", "w"], "together"),
        (["--network", "cellpose", "--weights", "w", "--labels", "l"], "not both"),
        (["--network", "cellpose", "--weights", "w", "--kind", "circles"], "no circles"),
    ],
)
def test_options_that_contradict_are_told(root, tmp_path, options, says):
    done = detect(root, tmp_path / "out", *options)
    assert done.exit_code == 2
    assert says in done.output


def test_what_is_no_network_or_not_whole_is_one_sentence(tmp_path, monkeypatch):
    lone = tmp_path / "weights_best.h5"
    lone.write_bytes(b"x")
    monkeypatch.setattr("ellimaps.deep.segmenters.find_spec", lambda _: None)
    for network, weights, kind, says in (
        ("unet", lone, SettingError, "cellpose or stardist"),
        ("stardist", lone, ReadError, "no config.json beside them"),
        ("cellpose", lone, MissingExtraError, r"ellimaps\[cellpose\]"),
    ):
        with pytest.raises(kind, match=says) as caught:
            segmenter(network, weights)
        assert one_sentence(caught)


@pytest.mark.usefixtures("no_socket", "serial")
def test_what_a_network_finds_is_measured_and_written(root, tmp_path, fake):
    weights, asked = fake
    (tmp_path / "LICENSE").write_text("CC BY-NC 4.0\nand more\n")
    out = tmp_path / "out"
    done = detect(root, out, "--network", "cellpose", "--weights", weights, "--json", "--outlines", "geojson")
    assert done.exit_code == 0, (done.output, done.exception)
    assert asked[0] == (False, str(weights))
    np.testing.assert_array_equal(asked[1], MADE.image)
    np.testing.assert_array_equal(tifffile.imread(out / "labels" / "one.tif"), MADE.labels)
    assert json.loads(done.stdout)["objects"] == MADE.labels.max()
    assert "LICENSE: CC BY-NC 4.0" in done.stderr
    assert (out / "regions" / "one.geojson").is_file()
    facts = json.loads((out / "batch.json").read_text())["network"]
    assert (facts["network"], facts["weights"], len(facts["weights_sha256"])) == ("cellpose", "mine", 64)
    assert facts["license"] == "LICENSE: CC BY-NC 4.0"
    table = pd.read_csv(out / "experiments.csv")
    assert table["Object"].tolist() == list(range(1, MADE.labels.max() + 1))
    # Other weights of the same name are another choice.
    weights.write_bytes(b"other numbers")
    assert (
        json.loads(detect(root, out, "--network", "cellpose", "--weights", weights, "--json").stdout)["done"]
        == 1
    )


@pytest.mark.usefixtures("fake")
def test_weights_without_a_license_say_so(tmp_path):
    assert "not stated" in segmenter("cellpose", tmp_path / "mine").license
    assert "CC BY-NC" in segmenter("cellpose", tmp_path / "mine").license


def test_weights_that_change_before_they_are_loaded_are_not_used(fake):
    weights, _ = fake
    found = segmenter("cellpose", weights)
    weights.write_bytes(b"others")
    with pytest.raises(ReadError, match="changed meanwhile"):
        found.find(MADE.image)
    weights.unlink()
    with pytest.raises(EllimapsError):
        found.find(MADE.image)


def test_other_thresholds_of_stardist_are_another_choice(tmp_path, monkeypatch):
    monkeypatch.setattr("ellimaps.deep.segmenters.find_spec", lambda _: True)
    for name in ("weights_best.h5", "config.json", "thresholds.json"):
        (tmp_path / name).write_text("{}")
    digests = [segmenter("stardist", tmp_path).weights_sha256]
    (tmp_path / "thresholds.json").write_text('{"prob": 0.3}')
    digests.append(segmenter("stardist", tmp_path / "weights_best.h5").weights_sha256)
    assert digests[0] != digests[1]


def needs(library):
    return pytest.mark.skipif(
        find_spec(library) is None, reason=f"{library} is not installed (a heavy extra)"
    )


@pytest.fixture
def small_cellpose(monkeypatch, tmp_path):
    """Weights of Cellpose's own class, over an encoder of one thin layer in place of 300 million numbers."""
    from functools import partial

    import torch
    from cellpose import vit
    from segment_anything.modeling import ImageEncoderViT

    def encoder(_):
        layers = {"depth": 1, "embed_dim": 32, "num_heads": 2, "mlp_ratio": 2, "out_chans": 16}
        shape = {"img_size": 1024, "patch_size": 16, "window_size": 14, "global_attn_indexes": []}
        norm = partial(torch.nn.LayerNorm, eps=1e-6)
        made = ImageEncoderViT(**layers, **shape, norm_layer=norm, qkv_bias=True, use_rel_pos=True)
        return SimpleNamespace(image_encoder=made)

    monkeypatch.setattr(vit, "sam_model_registry", {"vit_l": encoder})
    torch.manual_seed(21)
    made = vit.CPSAM()
    # Flows to the centre of every token of 8 x 8 pixels, disturbed by the image; random ones show no object.
    y, x = np.mgrid[:8, :8] - 3.5
    inside = 10.0 * (np.hypot(y, x) < 3.9) - 5
    flows = np.stack([-5 * y / np.hypot(y, x), -5 * x / np.hypot(y, x), inside])
    made.out.bias.data = torch.tensor(flows.ravel(), dtype=torch.float32)
    made.out.weight.data *= 0.1
    path = tmp_path / "small"
    made.save_model(path)
    return path


def same_as(network, weights, own, root, out):
    """Run the command and return the labels of the library's own call, which must be those written."""
    done = detect(root, out, "--network", network, "--weights", weights, "--json")
    assert done.exit_code == 0, (out / "failures.csv").read_text()
    labels = own(MADE.image.astype(np.float32))
    print(f"{network}: {labels.max()} objects, {np.mean(labels > 0):.1%} of the pixels")
    np.testing.assert_array_equal(tifffile.imread(out / "labels" / "one.tif"), labels)
    assert 0 < json.loads(done.stdout)["objects"] == len(np.unique(labels)) - 1


@needs("cellpose")
@pytest.mark.usefixtures("no_socket", "serial")
def test_cellpose_is_its_own_call(root, tmp_path, small_cellpose):
    from cellpose.models import CellposeModel

    def own(image):
        return CellposeModel(gpu=False, pretrained_model=str(small_cellpose)).eval(image)[0]

    same_as("cellpose", small_cellpose, own, root, tmp_path / "out")


@needs("stardist")
@pytest.mark.usefixtures("no_socket", "serial")
def test_stardist_is_its_own_call(root, tmp_path):
    from csbdeep.utils import normalize
    from stardist.models import Config2D, StarDist2D

    shape = {"n_rays": 16, "unet_n_depth": 1, "unet_n_filter_base": 8, "net_conv_after_unet": 16}
    made = StarDist2D(Config2D(**shape, grid=(2, 2)), name="small", basedir=str(tmp_path))
    made.keras_model.save_weights(str(tmp_path / "small" / "weights_best.h5"))
    # Random numbers are sure of nothing.
    (tmp_path / "small" / "thresholds.json").write_text('{"prob": 0.5, "nms": 0.4}')

    def own(image):
        model = StarDist2D(None, name="small", basedir=str(tmp_path))
        return model.predict_instances(normalize(image, 1, 99.8))[0]

    same_as("stardist", tmp_path / "small", own, root, tmp_path / "out")


@needs("cellpose")
def test_other_bytes_are_no_weights_of_cellpose(tmp_path):
    path = tmp_path / "mine"
    path.write_bytes(b"numbers")
    with pytest.raises(ReadError, match="no weights of this cellpose"):
        segmenter("cellpose", path).find(MADE.image)
