"""Files of microscopes go to the plug-in that is installed; the plug-in itself is stood in for."""

from __future__ import annotations

import sys
from datetime import timedelta
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from support.stacks import one_sentence
from support.zarr_stores import pixels

from ellimaps import export_image, open_stack
from ellimaps.core.errors import ReadError, SettingError
from ellimaps.readers import open_planes

MAGIC = {"nd2": b"\xda\xce\xbe\n", "lif": b"\x70\0\0\0"}


@pytest.fixture(params=MAGIC)
def made(request, tmp_path, monkeypatch):
    """A file that a plug-in reads as two scenes, and their values."""
    scenes = {"first": pixels(), "second": pixels((1, 1, 1, 20, 30), seed=1)}

    class Reader:
        scenes = ("first", "second")
        channel_names = ("DNA", "ER")
        physical_pixel_sizes = SimpleNamespace(Z=1.5, Y=0.65, X=0.325)
        time_interval = timedelta(seconds=2.5)

        def __init__(self, path):
            assert path == str(tmp_path / f"a.{request.param}")
            self.set_scene("first")

        def set_scene(self, name):
            self._values = scenes[name]
            self.dims = SimpleNamespace(order="TCZYX", shape=self._values.shape)

        def get_image_dask_data(self, order, T, C, Z):
            assert order == "YX"
            return SimpleNamespace(compute=lambda scheduler: self._values[T, C, Z])  # noqa: ARG005

    name = f"bioio_{request.param}"
    module = ModuleType(name)
    module.__spec__ = ModuleSpec(name, None)
    module.Reader = Reader
    monkeypatch.setitem(sys.modules, name, module)
    path = tmp_path / f"a.{request.param}"
    path.write_bytes(MAGIC[request.param] + bytes(200_000))
    return path, scenes, Reader


def test_planes_and_facts_are_those_of_the_plug_in(made):
    path, scenes, _ = made
    stack = open_stack(path, z="mean", scene=0)
    np.testing.assert_array_equal(stack.values[3], scenes["first"][1, 1].mean(axis=0).astype(np.float32))
    assert (stack.pixel_size_um, stack.pixel_aspect) == (0.325, 2.0)
    assert stack.bands["channel"].tolist() == ["DNA", "ER"] * 2
    assert stack.bands["time_s"].tolist() == [0.0, 0.0, 2.5, 2.5]
    second = open_stack(path, scene=1)
    np.testing.assert_array_equal(second.values[0], scenes["second"][0, 0, 0])
    assert [number for number, _ in open_planes(path, t=0, z=0)] == [(0, 0, 0), (1, 0, 0)]
    assert any("holds 2 images" in warning for warning in open_stack(path).warnings)
    with pytest.raises(SettingError, match="no scene = 2"):
        open_stack(path, scene=2)


def test_it_leaves_as_ome_zarr_bit_for_bit(made, tmp_path):
    path, scenes, _ = made
    store = export_image(path, tmp_path / "a.ome.zarr")
    for z in range(3):
        np.testing.assert_array_equal(open_stack(store, t=1, z=z).values, scenes["first"][1, :, z])


def test_what_the_plug_in_stumbles_over_is_one_sentence(made, monkeypatch):
    path, _, reader = made
    monkeypatch.setattr(reader, "set_scene", lambda *_: 1 / 0)
    with pytest.raises(ReadError, match=r"cannot be read by bioio_.*division by zero") as caught:
        open_stack(path)
    assert one_sentence(caught)


@pytest.mark.parametrize(
    ("order", "shape", "says"),
    [("MTCZYX", (2, 1, 1, 1, 9, 9), "stitched"), ("TCZYX", (10**9, 9, 9, 9, 9), "do not trust it")],
)
def test_odd_sizes_are_refused(made, monkeypatch, order, shape, says):
    path, _, reader = made
    dims = SimpleNamespace(order=order, shape=shape)
    monkeypatch.setattr(reader, "set_scene", lambda self, _: setattr(self, "dims", dims))
    with pytest.raises(ReadError, match=says) as caught:
        open_stack(path)
    assert one_sentence(caught)


@pytest.mark.parametrize(("kind", "extra"), [("nd2", "ellimaps[nd2]"), ("lif", "ellimaps[lif]")])
def test_without_a_plug_in_extra_and_converter_are_named(tmp_path, kind, extra):
    (tmp_path / "a").write_bytes(MAGIC[kind] + bytes(50))
    with pytest.raises(ReadError, match="bfconvert") as caught:
        open_stack(tmp_path / "a")
    assert extra in str(caught.value)
    assert one_sentence(caught)
