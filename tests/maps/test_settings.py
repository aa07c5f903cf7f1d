"""Every setting by every way: option, recipe, provenance. A new one without a row here fails."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import tifffile
from conftest import ROOT
from support.stacks import one_sentence
from typer.testing import CliRunner, Result

from ellimaps.cli import cli
from ellimaps.core.errors import SettingError
from ellimaps.images.intensities import correct_intensities
from ellimaps.images.preprocessing import Gaps, preprocess
from ellimaps.maps.clustering.features import Features
from ellimaps.maps.pipeline import run
from ellimaps.maps.recipe import read_recipe, recipe_text, settings_of
from ellimaps.maps.refinement import Clean
from ellimaps.maps.regions import Region
from ellimaps.maps.segmentation import MAX_CLUSTERS
from ellimaps.maps.settings import (
    DECLARED,
    Corrections,
    Opening,
    Preprocessing,
    Settings,
    Switch,
    Tables,
    Text,
    Texts,
    Window,
    names_of,
)
from ellimaps.readers import open_stack
from ellimaps.readers.planes import PROJECTIONS
from ellimaps.samples import sample_ep4


@dataclass(frozen=True)
class Row:
    """One setting at another value than its default: as typed, as written, and in the provenance.

    ``found`` takes the provenance and gives ``expected``; for the default it gives something else.
    """

    value: Any
    recipe: str
    found: Callable[[dict[str, Any]], Any]
    expected: Any
    typed: tuple[object, ...] = ()
    path: str = "maps"


def step(name: str) -> Callable[[dict[str, Any]], Any]:
    """What the last preprocessing step of the provenance that knows this name says."""
    return lambda facts: next((one[name] for one in reversed(facts["preprocessing"]) if name in one), None)


def setting(name: str) -> Callable[[dict[str, Any]], Any]:
    return lambda facts: facts["settings"].get(name)


def suggestion(name: str) -> Callable[[dict[str, Any]], Any]:
    return lambda facts: facts["suggestion"]["settings"][name]


ROWS = {
    "dataset": Row("other", "'other'", lambda facts: facts["name"], "other", ("other",), "two"),
    # Planes and times have no name in the provenance, but leave a trace: a warning less, fewer maps.
    "z": Row(1, "1", lambda facts: facts["warnings"], [], (1,), "picture"),
    "t": Row("mean", "'mean'", lambda facts: len(facts["maps"]), 2, ("mean",), "picture"),
    "channels": Row(
        ("a", "b@500"),
        "['a', 'b@500']",
        lambda facts: {row["map"] for row in facts["maps"]},
        {"a frame 0", "a frame 1", "b 500 nm frame 0", "b 500 nm frame 1"},
        ("a,b@500",),
        "picture",
    ),
    "pixel_size_um": Row(0.5, "0.5", lambda facts: facts["pixel_size_um"], 0.5, (0.5,)),
    "background": Row(9.0, "9", step("background"), 9.0, (9,), "picture"),
    "normalise": Row((1.0, 99.0), "[1, 99]", step("normalise"), [1.0, 99.0], (1, 99), "picture"),
    "log": Row(True, "true", step("log"), True, (), "picture"),
    "gaps": Row("exclude", "'exclude'", step("gaps"), "exclude", ("exclude",)),
    "despike": Row(5.0, "5", step("despike"), 5.0, (5,)),
    "smooth": Row(0.7, "0.7", step("smooth"), 0.7, (0.7,)),
    "roi": Row((2, 30, 3, 40), "[2, 30, 3, 40]", step("roi"), [2, 30, 3, 40], (2, 30, 3, 40)),
    "binning": Row(2, "2", step("binning"), 2, (2,)),
    "k": Row(5, "5", setting("k"), 5, (5,)),
    "k_min": Row(3, "3", suggestion("k_min"), 3, (3,)),
    "k_max": Row(4, "4", suggestion("k_max"), 4, (4,)),
    "features": Row("raw", "'raw'", setting("features"), "raw", ("raw",)),
    "seed": Row(7, "7", setting("seed"), 7, (7,)),
    "refine": Row(
        (Clean(3),),
        "[{ action = 'clean', size = 3 }]",
        setting("refine"),
        [{"action": "clean", "size": 3}],
    ),
    "names": Row(
        ("a", "b"),
        "['a', 'b']",
        lambda facts: [row.get("name") for row in facts["clusters"]],
        ["a", "b"],
    ),
    "regions": Row(
        (Region("spot", "pixel", ((5, 6),)),),
        "[{ name = 'spot', kind = 'pixel', vertices = [[5, 6]] }]",
        lambda facts: [region["name"] for region in facts["regions"]],
        ["spot"],
    ),
}
# The clusters are two, but where their number is what the row is about.
ESTIMATED = ("k", "k_min", "k_max")
OUT_OF_BOUNDS = {
    "z": [("sum", "'sum'", "sum"), (-1, "-1", None)],
    "t": [("sum", "'sum'", "sum"), (-1, "-1", None)],
    "pixel_size_um": [(0.0, "0", "0"), (float("nan"), "nan", "nan")],
    "background": [(0.5, "0.5", "0.5")],
    "normalise": [((60.0, 40.0), "[60, 40]", "60 40"), ((0.0, 101.0), "[0, 101]", "0 101")],
    "gaps": [("leave", "'leave'", "leave")],
    "despike": [(0.0, "0", "0"), (-1.0, "-1", "-1"), (float("inf"), "inf", "inf")],
    "smooth": [(0.0, "0", "0"), (float("nan"), "nan", "nan")],
    "binning": [(0, "0", "0")],
    "k": [(0, "0", "0"), (MAX_CLUSTERS + 1, str(MAX_CLUSTERS + 1), str(MAX_CLUSTERS + 1))],
    "k_min": [(1, "1", "1"), (MAX_CLUSTERS + 1, str(MAX_CLUSTERS + 1), str(MAX_CLUSTERS + 1))],
    "k_max": [(1, "1", "1"), (MAX_CLUSTERS + 1, str(MAX_CLUSTERS + 1), str(MAX_CLUSTERS + 1))],
    "features": [("cubes", "'cubes'", "cubes")],
    "seed": [(-1, "-1", "-1"), (2**32, str(2**32), str(2**32))],
}
UNBOUNDED = (Text, Texts, Switch, Tables, Window)


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A measurement, a folder of two, and a picture of 2 times, 2 planes and 2 channels."""
    place = tmp_path_factory.mktemp("settings")
    found = {
        name: sample_ep4(place / name, seed=2, size=(40, 48), kinds=3, bands=3) for name in ("maps", "two")
    }
    (table,) = found["two"].glob("*.ds.dat")
    (found["two"] / "other.ds.dat").write_bytes(table.read_bytes())
    rng = np.random.default_rng(0)
    picture = rng.normal(1000, 40, (2, 2, 2, 40, 48)) * np.where(np.arange(48) < 20, 1, 3)
    found["picture"] = place / "picture.tif"
    tifffile.imwrite(found["picture"], picture.astype(np.uint16), imagej=True, metadata={"axes": "TZCYX"})
    return found


@pytest.fixture(scope="module", autouse=True)
def no_pictures():
    """Drawing takes most of a run and knows no setting."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ellimaps.maps.export.segmentation_figure", lambda *_: None)
        patch.setattr("ellimaps.maps.export.figure_png", lambda _: b"")
        yield


def provenance(folder: Path) -> dict[str, Any]:
    (path,) = folder.glob("*_segmentation.json")
    facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return facts


def segment(path: Path, out: Path, *options: object) -> Result:
    return CliRunner().invoke(cli, ["segment", str(path), "--out", str(out), *map(str, options)])


@pytest.mark.parametrize("name", [field.name for field in fields(Settings)])
def test_a_setting_arrives_by_option_and_recipe(paths, tmp_path, monkeypatch, name):
    row, given = ROWS[name], {} if name in ESTIMATED else {"k": 2}
    chosen = Settings(**given, **{name: row.value})
    assert getattr(chosen, name) != getattr(Settings(), name)
    recipe = tmp_path / "recipe.toml"
    lines = [*(f"{key} = {value}" for key, value in given.items()), f"{name} = {row.recipe}"]
    recipe.write_text("\n".join(lines))
    assert read_recipe(recipe) == chosen
    recipe.write_text(recipe_text(chosen), encoding="utf-8")
    assert read_recipe(recipe) == chosen

    asked = []
    monkeypatch.setattr("ellimaps.maps.pipeline.run", lambda *args, **_: asked.append(args[2]) or run(*args))
    option = DECLARED[name].option
    assert bool(option) == (name not in ("refine", "names", "regions"))
    others = [part for key, value in given.items() for part in (DECLARED[key].option, value)]
    options = [*others, option, *row.typed] if option else ["--recipe", recipe]
    answer = segment(paths[row.path], tmp_path / "out", *options)
    assert answer.exit_code == 0, (answer.output, answer.exception)
    assert asked == [chosen]
    assert row.found(provenance(tmp_path / "out")) == row.expected


@pytest.mark.parametrize("name", [name for name in ROWS if name != "dataset"])
def test_the_default_leaves_another_provenance(name, defaults):
    row = ROWS[name]
    assert row.found(defaults[row.path]) != row.expected


@pytest.fixture(scope="module")
def defaults(paths, tmp_path_factory) -> dict[str, dict[str, Any]]:
    """The provenance of a run without any choice."""
    found = {}
    for name in ("maps", "picture"):
        run(paths[name], out := tmp_path_factory.mktemp("defaults"))
        found[name] = provenance(out)
    return found


def test_a_data_set_must_be_chosen_where_there_are_two(paths):
    with pytest.raises(Exception, match="dataset"):
        open_stack(paths["two"])


@pytest.mark.parametrize(
    ("name", "value", "written", "typed"),
    [(name, *case) for name, cases in OUT_OF_BOUNDS.items() for case in cases],
)
def test_out_of_bounds_is_refused_everywhere_in_one_sentence(
    paths, tmp_path, monkeypatch, name, value, written, typed
):
    path = paths["picture" if name in (*names_of(Opening, Corrections),) else "maps"]
    out = tmp_path / "out"
    given = {} if name in ESTIMATED else {"k": 2}
    with pytest.raises(SettingError) as library:
        run(path, out, Settings(**given, **{name: value}))
    assert one_sentence(library)

    (tmp_path / "recipe.toml").write_text(f"{name} = {written}")
    with pytest.raises(SettingError, match=f"recipe.toml: {name} must be") as recipe:
        read_recipe(tmp_path / "recipe.toml")
    assert one_sentence(recipe)

    if typed is not None:
        monkeypatch.setattr("ellimaps.maps.pipeline.run", lambda *_: pytest.fail("refused too late"))
        answer = segment(path, out, DECLARED[name].option, *typed.split())
        assert isinstance(answer.exception, SettingError)
        # A recipe says 0 where the command line says 0.0.
        sentences = [str(error).partition(", not")[0] for error in (recipe.value, answer.exception)]
        assert sentences[0] == f"recipe.toml: {sentences[1]}"
    assert not out.exists()


def test_every_setting_is_in_the_tables_above_and_in_the_documentation():
    assert set(ROWS) == set(DECLARED) == {field.name for field in fields(Settings)}
    bounded = {name for name, one in DECLARED.items() if not isinstance(one.kind, UNBOUNDED)}
    assert bounded == set(OUT_OF_BOUNDS)
    text = (ROOT / "docs" / "file-formats.md").read_text(encoding="utf-8")
    table = text.partition("### `recipe.toml`")[2].partition("```toml")[0]
    assert [name for name in DECLARED if f"`{name}`" not in table and f"[[{name}]]" not in table] == []
    assert [name for name in DECLARED if name not in (Settings.__doc__ or "")] == []


@pytest.mark.parametrize(
    ("group", "function"),
    [(Opening, open_stack), (Preprocessing, preprocess), (Corrections, correct_intensities)],
)
def test_a_group_has_the_arguments_of_its_function(group, function):
    parameters = inspect.signature(function).parameters
    assert set(names_of(group)) <= set(parameters)
    # Corrections are off unless asked for; the function called by itself does them.
    if group is not Corrections:
        assert group(**{name: parameters[name].default for name in names_of(group)}) == group()


def test_words_and_bounds_are_those_of_the_library():
    assert DECLARED["gaps"].kind.words == get_args(Gaps)
    assert DECLARED["features"].kind.words == get_args(Features)
    for name in ("z", "t"):
        for projection in PROJECTIONS:
            assert getattr(settings_of({name: projection}), name) == projection
    for name, value in (
        ("k", 1),
        ("k", MAX_CLUSTERS),
        ("k_min", 2),
        ("k_max", MAX_CLUSTERS),
        ("seed", 2**32 - 1),
    ):
        assert getattr(settings_of({name: value}), name) == value


def test_settings_stay_flat():
    settings = Settings(k=4, despike=5)
    assert (settings.k, settings.despike, settings.binning) == (4, 5.0, 1)
    assert [field.name for field in fields(settings)] == list(DECLARED)
