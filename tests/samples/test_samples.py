"""Generated EP4 folders: true layout, right physics, known truth, the same bytes every time."""

from __future__ import annotations

import hashlib
import io
import math
import struct
import tomllib
import xml.etree.ElementTree as ElementTree
import zipfile
import zlib
from collections.abc import Iterator
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from ellimaps.core.errors import ExportError, SettingError
from ellimaps.optics.fresnel import psi_delta, reflection_ratio
from ellimaps.samples import sample_ep4
from ellimaps.samples.ep4_files import MapSeries, ep4_files
from ellimaps.samples.oxide import silica_index
from ellimaps.samples.terraces import draw_gaps

TAG = "sample_20260101120000000"
SMALL: dict[str, Any] = {"size": (48, 64), "bands": 5}


def png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield every chunk's type and payload after checking its checksum."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    position = 8
    while position < len(data):
        (length,) = struct.unpack_from(">I", data, position)
        kind, payload = data[position + 4 : position + 8], data[position + 8 : position + 8 + length]
        (checksum,) = struct.unpack_from(">I", data, position + 8 + length)
        assert checksum == zlib.crc32(kind + payload)
        yield kind, payload
        position += 12 + length
    assert position == len(data)


def text_chunks(data: bytes) -> dict[str, bytes]:
    texts = (payload.partition(b"\0") for kind, payload in png_chunks(data) if kind == b"tEXt")
    return {key.decode("latin-1"): value for key, _, value in texts}


def read_map(path: Path) -> np.ndarray:
    raw = text_chunks(path.read_bytes())[".ACCURION_RAWDATA"]
    header = 12 + struct.unpack_from(">H", raw)[0]
    shape = struct.unpack_from(">II", raw, header - 8)
    return np.frombuffer(raw, ">f4", offset=header).reshape(shape).astype(np.float32)


def read_maps(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return wavelengths, Delta maps and Psi maps as the table lists them."""
    lines = (folder / f"{TAG}.ds.dat").read_text(encoding="ascii").splitlines()
    rows = [line.split("\t") for line in lines[2:]]
    delta, psi = (np.array([read_map(folder / row[column]) for row in rows]) for column in (8, 9))
    return np.array([float(row[0]) for row in rows]), delta, psi


def ncs(psi: np.ndarray, delta: np.ndarray) -> np.ndarray:
    p, d = np.deg2rad(psi), np.deg2rad(delta)
    return np.stack([np.cos(2 * p), np.sin(2 * p) * np.cos(d), np.sin(2 * p) * np.sin(d)])


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sample_ep4(tmp_path_factory.mktemp("plain"), **SMALL)


@pytest.fixture(scope="module")
def exact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sample_ep4(tmp_path_factory.mktemp("exact"), noise=0.0, **SMALL)


def test_the_folder_holds_a_data_set_its_truth_and_its_model(plain: Path) -> None:
    maps = {f"{TAG}_{number:03d}.png" for number in range(1, 11)}
    others = {f"{TAG}.ds.dat", f"{TAG}.dsinfo.xml", "truth.npz", "model.toml", "substrate.nk"}
    assert {path.name for path in plain.iterdir()} == maps | others


def test_the_table_is_laid_out_as_the_instrument_does(plain: Path) -> None:
    data = (plain / f"{TAG}.ds.dat").read_bytes()
    assert b"\r" not in data
    assert data.endswith(b".png\n")
    lines = data.decode("ascii").splitlines()
    names = "#lambda bandwidth AOI zone time X_pos Y_pos Theta_pos Delta Psi"
    assert lines[0] == names.replace(" ", "\t")
    assert lines[1] == "#nm nm deg - s mm mm deg deg deg".replace(" ", "\t")
    first = f"450.0 NaN 50.000 0 0.185000 0.000 0.000 NaN {TAG}_001.png {TAG}_002.png"
    assert lines[2] == first.replace(" ", "\t")
    assert [line.split("\t")[0] for line in lines[2:]] == ["450.0", "525.0", "600.0", "675.0", "750.0"]


def test_the_description_is_laid_out_as_the_instrument_does(plain: Path) -> None:
    root = ElementTree.fromstring((plain / f"{TAG}.dsinfo.xml").read_bytes().decode("latin-1"))
    assert root.tag == "DS_info_out"
    assert root.findtext("version") == "1.3"
    assert root.findtext("tag") == TAG
    assert root.findtext("type") == "Delta|Psi::Map::Lambda_Spectrum"
    assert "4 thicknesses of SiO2 on Si" in str(root.findtext("comment"))
    columns = [column.findtext("label") for column in root.findall("col_props")]
    assert columns == [
        "lambda",
        "bandwidth",
        "AOI",
        "zone",
        "time",
        "X_pos",
        "Y_pos",
        "Theta_pos",
        "Delta",
        "Psi",
    ]
    assert len(root.findall("keys")) == len(root.findall("values"))


def test_png_chunks_are_laid_out_as_the_instrument_does(plain: Path) -> None:
    data = (plain / f"{TAG}_004.png").read_bytes()
    chunks = dict(png_chunks(data))
    assert chunks[b"IHDR"] == struct.pack(">IIBBBBB", 64, 48, 8, 0, 0, 0, 0)
    assert len(zlib.decompress(chunks[b"IDAT"])) == 48 * (64 + 1)
    texts = text_chunks(data)
    raw = texts[".ACCURION_RAWDATA"]
    assert len(raw) == 12 + 40 + 4 * 48 * 64
    assert struct.unpack_from(">H", raw) == (40,)
    assert struct.unpack_from(">III", raw, 40) == (8 + 4 * 48 * 64, 48, 64)
    assert struct.unpack(">HdddH", texts["Map"][-28:]) == (1, 525.0, 50.0, 0.185, 0)
    x_factor, y_factor, resampled = struct.unpack(">dd?", texts["IMAGE_GEOCORR_FACTOR"][-17:])
    assert (x_factor, resampled) == (1.0, False)
    assert y_factor == pytest.approx(1 / math.cos(math.radians(50)))


def test_the_preview_opens_as_an_ordinary_image(plain: Path) -> None:
    image = pytest.importorskip("PIL.Image").open(io.BytesIO((plain / f"{TAG}_001.png").read_bytes()))
    grey = np.asarray(image)
    assert grey.shape == (48, 64)
    assert (grey.min(), grey.max()) == (0, 255)


def test_text_chunks_describe_themselves_as_in_a_real_file(plain: Path, real_hbn: Path) -> None:
    ours = text_chunks((plain / f"{TAG}_001.png").read_bytes())
    theirs = text_chunks(next(real_hbn.glob("*_001.png")).read_bytes())
    for key, descriptor in ((".ACCURION_RAWDATA", 40), ("IMAGE_GEOCORR_FACTOR", -17), ("Map", -28)):
        assert ours[key][:descriptor] == theirs[key][:descriptor]
    for chunks in (ours, theirs):
        words = np.frombuffer(chunks[".ACCURION_RAWDATA"], ">u4", offset=52)
        assert set(words[np.isnan(words.view(">f4"))]) == {0xFFFFFFFF}


def test_truth_fits_the_maps(plain: Path) -> None:
    with np.load(plain / "truth.npz") as truth:
        labels, thickness, edge = truth["labels"], truth["thickness_nm"], truth["edge"]
    assert (labels.dtype, thickness.dtype, edge.dtype) == (np.int16, np.float32, np.bool_)
    assert labels.shape == thickness.shape == edge.shape == (48, 64)
    per_kind = [np.unique(thickness[labels == kind]) for kind in range(4)]
    assert all(len(values) == 1 and 0 <= values[0] <= 400 for values in per_kind)
    flakes = [float(values[0]) for values in per_kind[1:]]
    assert flakes == sorted(flakes)
    boundary = labels[:, 1:] != labels[:, :-1]
    assert edge[:, 1:][boundary].all()
    assert edge[:, :-1][boundary].all()
    assert 0 < edge.mean() < 0.6


def test_the_model_reproduces_the_maps_away_from_edges(exact: Path) -> None:
    wavelengths, delta, psi = read_maps(exact)
    model = tomllib.loads((exact / "model.toml").read_text(encoding="ascii"))
    assert model["ambient"] == "air"
    (layer,) = model["layers"]
    assert layer["free"] == {"thickness_nm": [0.0, 400.0]}
    a, b, c = layer["material"]["cauchy"]
    oxide = a + b / (wavelengths / 1000) ** 2 + c / (wavelengths / 1000) ** 4
    table = np.loadtxt(exact / model["substrate"]["file"]).T
    assert table[0].min() <= wavelengths.min() - 20
    assert table[0].max() >= wavelengths.max() + 20
    silicon = np.interp(wavelengths, table[0], table[1]) + 1j * np.interp(wavelengths, table[0], table[2])
    with np.load(exact / "truth.npz") as truth:
        inside, thickness = ~truth["edge"], truth["thickness_nm"].astype(float)
    rho = reflection_ratio(
        1.0, [oxide[:, None]], [thickness[inside]], silicon[:, None], wavelengths[:, None], 50.0
    )
    expected_psi, expected_delta = psi_delta(rho)
    measured = np.isfinite(psi[:, inside])
    assert measured.mean() > 0.95
    assert np.abs(psi[:, inside] - expected_psi)[measured].max() < 1e-3
    assert np.abs(delta[:, inside] - expected_delta)[measured].max() < 1e-3


def test_an_edge_pixel_lies_between_its_neighbours(exact: Path) -> None:
    _, delta, psi = read_maps(exact)
    with np.load(exact / "truth.npz") as truth:
        labels, edge = truth["labels"], truth["edge"]
    points = ncs(psi, delta)[:, 0].reshape(3, -1).T
    whole = np.isfinite(points).all(axis=1)
    pure = np.stack([np.median(points[((labels == k) & ~edge).ravel() & whole], axis=0) for k in range(4)])
    distance = np.linalg.norm(points[:, None] - pure, axis=2)
    mixed = distance[whole].min(axis=1) > 1e-3
    assert 0.01 < mixed.mean() < 0.25
    assert edge.ravel()[whole][mixed].all()


def test_noise_has_the_stated_size(plain: Path, exact: Path) -> None:
    _, delta, psi = read_maps(plain)
    _, true_delta, true_psi = read_maps(exact)
    assert np.nanstd(psi - true_psi) == pytest.approx(0.05, rel=0.05)
    assert np.nanstd(delta - true_delta) == pytest.approx(0.1, rel=0.05)


def test_gaps_are_in_delta_and_psi_together(tmp_path: Path) -> None:
    _, delta, psi = read_maps(sample_ep4(tmp_path / "default", seed=3))
    gaps = np.isnan(psi)
    np.testing.assert_array_equal(np.isnan(delta), gaps)
    assert 0.005 < gaps.mean() < 0.015
    per_band = gaps.mean(axis=(1, 2))
    assert per_band.max() > 2 * max(per_band.min(), 1e-4)
    kernel = np.ones((9, 9), dtype=bool)
    assert any(ndimage.binary_erosion(band, kernel).any() for band in gaps)
    sizes = np.concatenate([np.bincount(ndimage.label(band)[0].ravel())[1:] for band in gaps])
    assert (sizes <= 5).mean() > 0.8


def test_gaps_are_at_edges_and_inside() -> None:
    edge = np.zeros((64, 64), dtype=bool)
    edge[:, 30:34] = True
    gaps = draw_gaps(edge, 8, np.random.default_rng(0))
    assert 0.2 < gaps[:, edge].sum() / gaps.sum() < 0.8


@pytest.mark.parametrize("settings", [{}, {"wrap": True, "kinds": 6, "blur_px": 1.2, "tilt": 0.05}])
def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, settings: dict[str, Any]) -> None:
    first = digests(sample_ep4(tmp_path / "a", seed=5, **SMALL, **settings))
    assert digests(sample_ep4(tmp_path / "b", seed=5, **SMALL, **settings)) == first
    assert digests(sample_ep4(tmp_path / "c", seed=6, **SMALL, **settings)) != first
    with zipfile.ZipFile(tmp_path / "a" / "truth.npz") as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


@pytest.mark.parametrize("kinds", range(2, 11))
@pytest.mark.parametrize("wrap", [False, True])
def test_kinds_are_far_apart_and_cover_a_fair_share(tmp_path: Path, kinds: int, wrap: bool) -> None:
    folder = sample_ep4(tmp_path / "s", seed=kinds, kinds=kinds, wrap=wrap, **SMALL)
    wavelengths, delta, psi = read_maps(folder)
    with np.load(folder / "truth.npz") as truth:
        labels, inside = truth["labels"], ~truth["edge"]
    shares = np.bincount(labels.ravel(), minlength=kinds) / labels.size
    assert len(shares) == kinds
    assert shares.min() == pytest.approx(0.03, abs=0.004)
    assert shares.argmax() == 0
    points = ncs(psi, delta)
    means = [np.nanmean(points[:, :, inside & (labels == kind)], axis=2) for kind in range(kinds)]
    noise = max(np.nanstd(points[:, :, inside & (labels == kind)], axis=2).mean() for kind in range(kinds))
    nearest = min(np.sqrt(((one - other) ** 2).mean()) for one, other in combinations(means, 2))
    assert nearest > 50 * noise
    assert nearest > 0.15
    assert len(wavelengths) == 5


@pytest.mark.parametrize("seed", range(5))
def test_plain_samples_stay_away_from_the_wrap(tmp_path: Path, seed: int) -> None:
    _, delta, _ = read_maps(sample_ep4(tmp_path / "s", seed=seed, kinds=8, tilt=0.1, **SMALL))
    assert np.nanmin(delta) > 10
    assert np.nanmax(delta) < 350


@pytest.mark.parametrize("kinds", [2, 4, 7])
@pytest.mark.parametrize("seed", range(3))
def test_wrapping_samples_cross_it_within_and_between_kinds(tmp_path: Path, seed: int, kinds: int) -> None:
    folder = sample_ep4(tmp_path / "s", seed=seed, kinds=kinds, wrap=True, **SMALL)
    _, delta, psi = read_maps(folder)
    assert np.nanmin(delta) >= 0
    assert np.nanmax(delta) < 360
    assert np.nanmin(psi) >= 0
    assert np.nanmax(psi) <= 90
    with np.load(folder / "truth.npz") as truth:
        labels, inside = truth["labels"], ~truth["edge"]
    within, between = [], []
    for band in delta:
        by_kind = [band[inside & (labels == kind) & np.isfinite(band)] for kind in range(kinds)]
        within.append(any((d < 10).any() and (d > 350).any() for d in by_kind))
        medians = np.array([np.median(d) for d in by_kind if not ((d < 10).any() and (d > 350).any())])
        between.append(bool((medians < 90).any() and (medians > 270).any()))
    assert any(within)
    assert any(between) or kinds == 2


def test_blur_softens_edges_and_leaves_the_inside(tmp_path: Path, exact: Path) -> None:
    _, _, sharp = read_maps(exact)
    _, _, soft = read_maps(sample_ep4(tmp_path / "s", noise=0.0, blur_px=1.5, **SMALL))
    with np.load(exact / "truth.npz") as truth:
        edge = truth["edge"]
    away = ndimage.distance_transform_edt(~edge) > 5
    assert np.nanmax(np.abs(soft - sharp)[:, away]) < 0.01
    assert np.nanmax(np.abs(soft - sharp)[:, edge]) > 1.0


def test_tilt_changes_thickness_across_the_map(tmp_path: Path, exact: Path) -> None:
    folder = sample_ep4(tmp_path / "s", noise=0.0, tilt=0.2, **SMALL)
    with np.load(folder / "truth.npz") as tilted, np.load(exact / "truth.npz") as level:
        spread = [np.ptp(tilted["thickness_nm"][tilted["labels"] == kind]) for kind in range(4)]
        assert max(spread) > 0.05 * level["thickness_nm"].max()


def test_smallest_sets_the_share_of_the_smallest_kind(tmp_path: Path) -> None:
    for smallest in (0.01, 0.15):
        folder = sample_ep4(tmp_path / str(smallest), kinds=5, smallest=smallest, **SMALL)
        with np.load(folder / "truth.npz") as truth:
            shares = np.bincount(truth["labels"].ravel()) / truth["labels"].size
        assert shares.min() == pytest.approx(smallest, abs=0.003)


def test_noise_leaves_the_truth_as_it_is(plain: Path, exact: Path) -> None:
    assert (plain / "truth.npz").read_bytes() == (exact / "truth.npz").read_bytes()


def test_wavelengths_are_even_and_the_same_everywhere(tmp_path: Path) -> None:
    folder = sample_ep4(tmp_path / "s", size=(32, 40), bands=8)
    wavelengths, _, _ = read_maps(folder)
    assert (wavelengths[0], wavelengths[-1]) == (450.0, 750.0)
    assert all(abs(b - a - 300 / 7) < 0.11 for a, b in pairwise(wavelengths))
    images = [(folder / f"{TAG}_{2 * band + 1:03d}.png").read_bytes() for band in range(8)]
    in_images = [struct.unpack(">HdddH", text_chunks(image)["Map"][-28:])[1] for image in images]
    assert in_images == list(wavelengths)


def test_one_band_is_enough(tmp_path: Path) -> None:
    wavelengths, delta, _ = read_maps(sample_ep4(tmp_path / "s", size=(32, 32), kinds=2, bands=1, wrap=True))
    assert list(wavelengths) == [450.0]
    assert delta.shape == (1, 32, 32)


def test_a_folder_with_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(ExportError, match="not empty"):
        sample_ep4(tmp_path, **SMALL)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    with pytest.raises(ExportError, match=r"mine\.txt"):
        sample_ep4(tmp_path / "mine.txt", **SMALL)


def test_a_failed_write_leaves_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    genuine = Path.write_bytes

    def fail_on_truth(path: Path, data: bytes) -> int:
        if path.name == "truth.npz":
            raise OSError(28, "No space left on device")
        return genuine(path, data)

    monkeypatch.setattr(Path, "write_bytes", fail_on_truth)
    with pytest.raises(ExportError, match="No space left"):
        sample_ep4(tmp_path / "s", **SMALL)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"kinds": 1}, "kinds"),
        ({"kinds": 11}, "kinds"),
        ({"kinds": 2.5}, "kinds"),
        ({"bands": 0}, "bands"),
        ({"seed": -1}, "seed"),
        ({"size": (8, 100)}, "size"),
        ({"size": (100,)}, "size"),
        ({"size": 100}, "size"),
        ({"noise": -0.5}, "noise"),
        ({"noise": math.nan}, "noise"),
        ({"noise": "much"}, "noise"),
        ({"blur_px": -1.0}, "blur_px"),
        ({"tilt": 2.0}, "tilt"),
        ({"smallest": 0.3}, "smallest"),
        ({"smallest": 0.0}, "smallest"),
    ],
)
def test_wrong_settings_are_named_and_nothing_is_written(
    tmp_path: Path, settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(SettingError, match=words) as caught:
        sample_ep4(tmp_path / "s", **settings)
    assert str(caught.value).endswith(".")
    assert not (tmp_path / "s").exists()


def test_maps_have_to_fit_the_wavelengths() -> None:
    maps = np.zeros((2, 4, 4))
    with pytest.raises(SettingError, match="3 wavelengths"):
        ep4_files(MapSeries(TAG, "", np.array([450.0, 500.0, 550.0]), 50.0, maps, maps))


def test_silica_follows_malitson() -> None:
    um = np.linspace(0.4, 0.9, 51)
    terms = ((0.6961663, 0.0684043), (0.4079426, 0.1162414), (0.8974794, 9.896161))
    malitson = np.sqrt(1 + sum(b * um**2 / (um**2 - c**2) for b, c in terms))
    assert np.abs(silica_index(1000 * um) - malitson).max() < 3e-4
