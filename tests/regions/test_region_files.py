"""Regions go to Fiji and QuPath and come back; what is no such file is one sentence."""

from __future__ import annotations

import io
import json
import re
import sys
import uuid
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from support.stacks import one_sentence

from ellimaps.core.errors import MissingExtraError, ReadError
from ellimaps.core.inputs import InputFile
from ellimaps.regions.areas import Area, areas_of, drawn
from ellimaps.regions.geojson import geojson_bytes, read_geojson
from ellimaps.regions.imagej import read_roi_set, roi_set_bytes
from ellimaps.regions.label_file import read_label_image

roifile = pytest.importorskip("roifile", reason="the extra regions is not installed")

SHAPE = (1000, 1200)
WRITTEN = {
    "RoiSet.zip": (roi_set_bytes, read_roi_set),
    "regions.geojson": (lambda areas: geojson_bytes(areas, "detection", "Nucleus"), read_geojson),
}
both = pytest.mark.parametrize("name", WRITTEN)


def star(random, center, radius, corners=24):
    turns = np.sort(random.uniform(0, 2 * np.pi, corners))
    lengths = radius * random.uniform(0.6, 1, corners)
    return np.stack([np.cos(turns), np.sin(turns)], axis=1) * lengths[:, None] + center


def thousand(random):
    """Outlines with corners anywhere: with holes, of several parts, touching, of one pixel, at the border."""
    areas = []
    for number in range(1, 1001):
        row, column = divmod(number - 1, 40)
        center = np.array([15 + 30 * column, 20 + 40 * row]) + random.uniform(-2, 2, 2)
        kind = number % 5
        if kind == 0:
            parts = ((star(random, center, 14), star(random, center, 5)),)
        elif kind == 1:
            parts = tuple((star(random, center - side, 6),) for side in ((7, 0), (-7, 0)))
        elif kind == 2:
            x, y = np.floor(center)
            parts = ((np.array([(x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1)], float),),)
        elif kind == 3:
            parts = ((star(random, center * (1, 0), 16),),)
        else:
            # It shares its left side with the star before it in the row, at the border of its cell.
            left = 30 * column
            parts = (
                (np.array([(left, 40 * row), (left + 30, 40 * row), (left + 20, 40 * row + 39)], float),),
            )
        areas.append(Area(number, parts, f"región {number} 膜"))
    return areas


@both
def test_a_thousand_polygons_come_back(tmp_path, name):
    areas = thousand(np.random.default_rng(21))
    write, read = WRITTEN[name]
    path = tmp_path / name
    path.write_bytes(write(areas))
    found = read(InputFile(path))
    assert [area.number for area in found] == list(range(1, 1001))
    ious = ious_of(areas, found, name)
    for one, two in zip(areas, found, strict=True):
        # A RoiSet keeps 32-bit floats.
        for before, after in zip(one.rings, two.rings, strict=True):
            np.testing.assert_allclose(after[: len(before)], before, atol=1e-3)
    print(f"{name}: least IoU of 1,000 polygons {min(ious):.6f}")
    assert min(ious) >= 0.98


def test_a_thousand_polygons_come_back_from_qupath(tmp_path):
    """It saves corners to two decimals, keeps measurements, and adds what it knows (ROITypeAdapters)."""
    areas = thousand(np.random.default_rng(22))

    def saved(value):
        if isinstance(value, list):
            return [saved(one) for one in value]
        return round(value, 2)

    content = json.loads(geojson_bytes(areas, "annotation"))
    for one in content["features"]:
        one["geometry"]["coordinates"] = saved(one["geometry"]["coordinates"])
        one["properties"] |= {"isLocked": True, "metadata": {"a": "b"}}
    path = tmp_path / "saved.geojson"
    path.write_text(json.dumps(content, indent=2), encoding="utf-8")
    ious = ious_of(areas, read_geojson(InputFile(path)), path.name)
    print(f"saved by QuPath: least IoU of 1,000 polygons {min(ious):.6f}, mean {np.mean(ious):.6f}")
    assert min(ious) >= 0.98


def ious_of(areas, found, name):
    ious = []
    for one, two in zip(areas, found, strict=True):
        masks = [drawn([area], SHAPE, name) > 0 for area in (one, two)]
        ious.append((masks[0] & masks[1]).sum() / (masks[0] | masks[1]).sum())
    return ious


@both
def test_objects_of_a_label_image_come_back_pixel_by_pixel(tmp_path, name):
    """Touching, with holes, of several parts, of one pixel, at the border, with gaps in their numbers."""
    labels = drawn(thousand(np.random.default_rng(3)), SHAPE, "made here")
    labels[labels % 7 == 0] = 0
    labels[:60, :80] = np.random.default_rng(4).integers(0, 3, (60, 80)) + 2000
    path = tmp_path / name
    path.write_bytes(WRITTEN[name][0](areas_of(labels)))
    np.testing.assert_array_equal(read_label_image(path, SHAPE), labels)
    assert WRITTEN[name][0](areas_of(labels)) == path.read_bytes()


@both
def test_planes_of_a_stack_come_back(tmp_path, name):
    planes = {
        (t, z): np.random.default_rng(2 * t + z).integers(0, 4, (9, 8)) for t in (0, 1) for z in (0, 1, 2)
    }
    path = tmp_path / name
    areas = [area for (t, z), plane in planes.items() for area in areas_of(plane, t, z)]
    path.write_bytes(WRITTEN[name][0](areas))
    for (t, z), plane in planes.items():
        np.testing.assert_array_equal(read_label_image(path, (9, 8), t, z), plane)


def test_geojson_is_that_of_qupath():
    areas = [replace(area, name="SiO₂ 膜", color="#0072B2") for area in areas_of(np.eye(2, dtype=int) * 3)]
    content = json.loads(geojson_bytes(areas, "annotation"))
    assert content["type"] == "FeatureCollection"
    [feature] = content["features"]
    assert feature["type"] == "Feature"
    uuid.UUID(feature["id"])
    assert feature["geometry"]["type"] == "MultiPolygon"
    assert feature["geometry"]["coordinates"][0] == [[[1, 0], [1, 1], [0, 1], [0, 0], [1, 0]]]
    assert feature["properties"] == {
        "objectType": "annotation",
        "name": "SiO₂ 膜",
        "classification": {"name": "SiO₂ 膜", "color": [0, 0x72, 0xB2]},
        "measurements": {"Label": 3},
    }


def test_rois_are_those_of_imagej(tmp_path):
    labels = np.zeros((9, 9), int)
    labels[1:4, 1:4] = 5
    labels[5:8, 5:8] = 12
    labels[6, 6] = 0
    areas = [
        replace(area, name=name, color="#D55E00")
        for area, name in zip(areas_of(labels), ("Ä/膜", ""), strict=True)
    ]
    path = tmp_path / "RoiSet.zip"
    path.write_bytes(roi_set_bytes(areas))
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["05 Ä_膜.roi", "12.roi"]
    traced, ring = roifile.roiread(path)
    assert (traced.roitype, traced.name) == (roifile.ROI_TYPE.TRACED, "Ä/膜")
    assert sorted(map(tuple, traced.coordinates())) == [(1, 1), (1, 4), (4, 1), (4, 4)]
    assert traced.hexcolor(traced.stroke_color) == "#d55e00"
    assert (ring.composite, ring.name, ring.properties) == (True, "12", {"Label": 12})
    assert len(ring.coordinates(multi=True)) == 2


def test_shapes_that_people_draw_in_imagej(tmp_path):
    """A rectangle, an oval, a freehand outline of whole and of broken corners, in the order of the set."""
    kinds = roifile.ROI_TYPE
    rectangle = roifile.ImagejRoi(roitype=kinds.RECT, top=2, left=3, bottom=6, right=10, name="r")
    oval = roifile.ImagejRoi(roitype=kinds.OVAL, top=10, left=4, bottom=30, right=34, name="o")
    corners = np.array([(40, 3), (48, 5), (44, 20)])
    drawings = [
        rectangle,
        oval,
        roifile.ImagejRoi.frompoints(corners),
        roifile.ImagejRoi.frompoints(corners + 0.25),
    ]
    path = tmp_path / "RoiSet.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("notes.txt", "drawn by hand")
        for number, roi in enumerate(drawings):
            archive.writestr(f"{number}.roi", roi.tobytes())
    labels = read_label_image(path, (40, 50))
    np.testing.assert_array_equal(
        np.nonzero(labels == 1), np.nonzero(np.pad(np.ones((4, 7)), ((2, 34), (3, 40))))
    )
    y, x = np.mgrid[:40, :50] + 0.5
    oval_mask = ((x - 19) / 15) ** 2 + ((y - 20) / 10) ** 2 <= 1
    found = labels == 2
    assert (found & oval_mask).sum() / (found | oval_mask).sum() > 0.995
    assert {3, 4} <= set(np.unique(labels))
    single = tmp_path / "one.roi"
    single.write_bytes(rectangle.tobytes())
    assert read_label_image(single, (40, 50)).sum() == 4 * 7


def feature(geometry, **properties):
    return {"type": "Feature", "geometry": geometry, "properties": properties}


SQUARE = {"type": "Polygon", "coordinates": [[[1, 1], [3, 1], [3, 3], [1, 3], [1, 1]]]}
FAR = {"type": "Polygon", "coordinates": [[[5, 5, 0], [7, 5, 0], [7, 7, 0], [5, 5, 0]]]}


@pytest.mark.parametrize(
    ("content", "numbers"),
    [
        (SQUARE, [1]),
        (feature(SQUARE), [1]),
        ([feature(SQUARE), feature(FAR)], [1, 2]),
        ({"type": "FeatureCollection", "features": [feature(FAR), feature(SQUARE)]}, [1, 2]),
        ({"type": "GeometryCollection", "geometries": [SQUARE, FAR]}, [1]),
        ([feature(SQUARE, measurements=[{"name": "Label", "value": 9.0}])], [9]),
        ([feature(SQUARE, measurements={"Label": 9}), feature(FAR)], [1, 2]),
        ([feature(SQUARE, measurements={"Label": 4}), feature(FAR, measurements={"Label": 4})], [1, 2]),
        (
            [feature(SQUARE, measurements={"Label": 10**400}), feature(FAR, measurements={"Label": 2.5})],
            [1, 2],
        ),
        ([feature(SQUARE, measurements={"Label": float("inf")})], [1]),
        ([feature({**SQUARE, "plane": {"c": -1, "z": 0, "t": 0}})], [1]),
        ([feature(SQUARE, classification=None, name=None, measurements={"Label": "NaN"})], [1]),
    ],
)
def test_geojson_of_others(tmp_path, content, numbers):
    path = tmp_path / "regions.geojson"
    path.write_text(json.dumps(content), encoding="utf-8-sig")
    assert [area.number for area in read_geojson(InputFile(path))] == numbers
    assert np.flatnonzero(np.bincount(read_label_image(path, (8, 8)).ravel())[1:]).tolist() == [
        n - 1 for n in numbers
    ]


def zipped(**entries):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(f"{name}.roi", content)
    return buffer.getvalue()


def polygon(coordinates):
    return json.dumps([feature({"type": "Polygon", "coordinates": coordinates})]).encode()


ROI = roifile.ImagejRoi.frompoints(np.array([(1, 1), (3, 1), (3, 3)])).tobytes()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'{"type": "FeatureColl', "no GeoJSON"),
        (b"[" * 100_000, "no GeoJSON"),
        (b"{}", "region 1 is nothing"),
        (b"[]", "holds no regions"),
        (b"[1, 2]", "holds no regions"),
        (b'{"features": 7}', "holds no regions"),
        (json.dumps([feature({"type": "Point", "coordinates": [1, 2]})]).encode(), "region 1 is a Point"),
        (json.dumps([feature(None)]).encode(), "is a Feature"),
        (polygon([[[1, 1], [2, 2]]]), "three or more corners"),
        (polygon([[[1, 1], [2, "x"], [3, 3]]]), "no list of three or more corners"),
        (polygon([[[1, 1], [2, [3]], [3, 3]]]), "no list of three or more corners"),
        (polygon([]), "is a Polygon"),
        (polygon(7), "no list of three or more corners"),
        (polygon([[[1, 1], [1e300, 2], [3, 3]]]), "within 1,000,000 pixels"),
        (polygon([[[1, 1], [float("nan"), 2], [3, 3]]]), "within 1,000,000 pixels"),
        (polygon([[[1, 1], [10**400, 2], [3, 3]]]), "no list of three or more corners"),
        (polygon([[[100, 100], [110, 100], [110, 110]]]), "outside of the image"),
        (b"PK\x03\x04 and nothing else", "no RoiSet"),
        (zipped(), "no RoiSet|holds no regions"),
        (zipped(a=ROI[:40]), "a is damaged or no area"),
        (zipped(a=ROI[:70]), "a is damaged or no area"),
        (zipped(a=ROI, b=b"Iout" + b"\xff" * 200), "b is damaged or no area"),
        (zipped(a=roifile.ImagejRoi(roitype=roifile.ROI_TYPE.LINE).tobytes()), "it is a line"),
        (zipped(a=roifile.ImagejRoi(roitype=roifile.ROI_TYPE.POINT).tobytes()), "it is a point"),
        (zipped(**{"b": ROI[:56] + b"\0\0\0\3" + ROI[60:]}), "lies on slice 3"),
        (zipped(**{f"a{i}": bytes(60 << 20) for i in range(9)}), "unpacks to more than 256 MB|damaged"),
        (b"object,x,y\n1,2,3\n", "is no label image"),
        (b"", "is no label image"),
    ],
)
def test_what_is_no_file_of_regions_is_one_sentence(tmp_path, content, says):
    path = tmp_path / "given"
    path.write_bytes(content)
    with pytest.raises(ReadError) as caught:
        read_label_image(path, (8, 8))
    assert re.search(says, str(caught.value))
    assert one_sentence(caught)


@both
def test_a_large_file_is_not_read(tmp_path, name):
    path = tmp_path / name
    with path.open("wb") as file:
        file.write(b"PK" if name.endswith("zip") else b"{")
        file.truncate(80 << 20)
    with pytest.raises(ReadError, match=r"larger than (32|64) MB"):
        read_label_image(path, (8, 8))


def test_without_roifile_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "roifile", None)
    with pytest.raises(MissingExtraError, match=r"ellimaps\[regions\]"):
        roi_set_bytes([])
    path = tmp_path / "RoiSet.zip"
    path.write_bytes(zipped(a=ROI))
    with pytest.raises(MissingExtraError, match=r"ellimaps\[regions\]"):
        read_label_image(path, (8, 8))
