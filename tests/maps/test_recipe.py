"""Recipes: settings as a file and as Python, and back."""

from __future__ import annotations

import json
import re
import string
from unittest.mock import Mock, call, patch

import pytest
from conftest import EXAMPLE, ROOT
from hypothesis import given, settings, strategies as st
from support.stacks import one_sentence

from ellimaps.core.errors import EllimapsError, ReadError, SettingError
from ellimaps.maps.pipeline import run
from ellimaps.maps.recipe import MAX_RECIPE_BYTES, python_lines, read_recipe, recipe_text, settings_of
from ellimaps.maps.refinement import Clean, Drop, Merge, Split
from ellimaps.maps.regions import Region
from ellimaps.maps.settings import Settings

# What TOML can hold: any character but surrogates. Those that have tripped writers of TOML come often.
texts = st.text(
    st.one_of(
        st.sampled_from("\"'\\\n\r\t\0\x1f\x7f\x80\x85\u2028\u2029\ufeff\uffff😀#[]=$"),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=12,
)
numbers = st.floats(1e-6, 1e6)
coordinates = st.tuples(*[st.floats(-1e6, 1e6)] * 2)
clusters = st.integers(0, 29)
names = st.text(string.ascii_letters + string.digits + "_-äé", min_size=1, max_size=20)
regions = st.one_of(
    st.builds(Region, names, st.just("pixel"), st.tuples(coordinates)),
    st.builds(Region, names, st.just("rectangle"), st.tuples(*[coordinates] * 4)),
    st.builds(Region, names, st.just("polygon"), st.lists(coordinates, min_size=3, max_size=9).map(tuple)),
)
refinements = st.one_of(
    st.lists(clusters, min_size=2, max_size=5, unique=True).map(lambda c: Merge(tuple(c))),
    st.builds(Split, clusters, st.integers(2, 30)),
    st.builds(Drop, clusters),
    st.integers(1, 200).map(lambda n: Clean(2 * n + 1)),
)
all_settings = st.builds(
    Settings,
    dataset=st.none() | texts,
    pixel_size_um=st.none() | numbers,
    gaps=st.sampled_from(["fill", "exclude"]),
    despike=st.none() | numbers | st.integers(1, 9),
    smooth=st.none() | numbers,
    roi=st.none() | st.tuples(*[st.integers(0, 2000)] * 4),
    binning=st.integers(1, 9),
    k=st.none() | st.integers(1, 30),
    k_min=st.integers(2, 30),
    k_max=st.integers(2, 30),
    features=st.sampled_from([None, "raw", "standard", "ncs"]),
    seed=st.integers(0, 2**32 - 1),
    refine=st.lists(refinements, max_size=4).map(tuple),
    names=st.lists(texts, max_size=5).map(tuple),
    regions=st.lists(regions, max_size=3).map(tuple),
)


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    """Write a recipe and return its path."""
    path = tmp_path_factory.mktemp("recipe") / "recipe.toml"

    def write(text):
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


@given(all_settings)
@settings(max_examples=300, deadline=None)
def test_any_settings_survive_as_a_recipe(recipe, chosen):
    read = read_recipe(recipe(recipe_text(chosen)))
    assert read == chosen
    assert hash(read) == hash(chosen)
    assert recipe_text(read) == recipe_text(chosen)


@given(all_settings, texts)
@settings(max_examples=150, deadline=None)
def test_any_settings_give_python_that_says_the_same(chosen, path):
    made = Mock()
    lines = python_lines(chosen, path, out="o'ut").replace("import ellimaps\n", "", 1)
    with patch("ellimaps.maps.refinement.refine") as refine:
        exec(lines, {"ellimaps": made})
    dataset = {} if chosen.dataset is None else {"dataset": chosen.dataset}
    assert made.open_stack.call_args == call(path, **dataset)
    sized = made.open_stack.return_value.with_values
    size = {"pixel_size_um": chosen.pixel_size_um}
    assert [one.kwargs for one in sized.call_args_list] == [size] * (chosen.pixel_size_um is not None)
    said = made.preprocess.call_args.kwargs | made.segment.call_args.kwargs
    for name in ("gaps", "despike", "smooth", "roi", "binning", "features", "seed"):
        assert said.get(name, getattr(Settings(), name)) == getattr(chosen, name)
    if chosen.k is None:
        assert made.suggest_k.call_args.kwargs["k_range"] == range(chosen.k_min, chosen.k_max + 1)
    assert said["k"] == (chosen.k or made.suggest_k.return_value.suggested_k)
    assert [one.args[1] for one in refine.call_args_list] == [list(chosen.refine)] * bool(chosen.refine)
    (_, out), exported = made.export_segmentation.call_args
    assert (out, exported.get("names", ()), exported.get("regions", ())) == (
        "o'ut",
        chosen.names,
        chosen.regions,
    )


def test_python_gives_the_same_files_as_the_recipe(tmp_path):
    chosen = Settings(
        k=None,
        k_max=5,
        gaps="exclude",
        smooth=0.7,
        roi=(4, 124, 0, 150),
        pixel_size_um=0.5,
        features="raw",
        seed=3,
        refine=(Merge((0, 1)), Split(1, 3), Clean(3)),
        names=("a", "b 'q'", 'c "d"', "e\n", "\\"),
        regions=(Region("roi1", "pixel", ((3, 4),)),),
    )
    run(EXAMPLE, tmp_path / "one", chosen)
    exec(python_lines(chosen, str(EXAMPLE), out=str(tmp_path / "two")), {})
    one, two = ({p.name: p.read_bytes() for p in (tmp_path / n).iterdir()} for n in ("one", "two"))
    assert one.keys() == two.keys()
    for name, content in one.items():
        if name.endswith(".json"):
            assert without_seconds(content) == without_seconds(two[name])
        else:
            assert content == two[name], name


def test_the_recipe_in_the_documentation_runs(recipe, tmp_path):
    text = (ROOT / "docs" / "file-formats.md").read_text(encoding="utf-8")
    section = text.partition("### `recipe.toml`")[2]
    (block,) = re.findall(r"```toml\n(.*?)```", section, re.DOTALL)
    result = run(EXAMPLE, tmp_path, read_recipe(recipe(block)))
    assert result.segmentation.k == 3
    assert any("_region_roi1" in path.name for path in result.files)


def without_seconds(content):
    facts = json.loads(content)
    facts["timings_s"] = {}
    return facts


def test_a_recipe_is_readable():
    chosen = Settings(k=4, names=("bare Si", "90 nm"), refine=(Merge((0, 1)),), roi=(0, 9, 0, 5))
    lines = recipe_text(chosen).splitlines()
    assert lines[0].startswith("# ellimaps recipe")
    assert "k = 4" in lines
    assert "seed = 0" in lines
    assert 'names = ["bare Si", "90 nm"]' in lines
    assert "roi = [0, 9, 0, 5]" in lines
    assert lines[-3:] == ["[[refine]]", 'action = "merge"', "clusters = [0, 1]"]


def test_what_is_left_out_has_its_default(recipe):
    assert read_recipe(recipe("")) == Settings()
    assert read_recipe(recipe("\ufeffk = 3\r\n")) == Settings(k=3)


def test_whole_and_decimal_numbers_are_the_same_choice(recipe):
    read = read_recipe(recipe("despike = 5\nsmooth = 1\npixel_size_um = 2\n"))
    assert {type(value) for value in (read.despike, read.smooth, read.pixel_size_um)} == {float}
    assert recipe_text(read) == recipe_text(Settings(despike=5, smooth=1, pixel_size_um=2))


def test_what_is_not_unicode_is_refused_in_one_sentence():
    with pytest.raises(SettingError, match="not valid Unicode") as error:
        recipe_text(Settings(names=("a\udc80",)))
    assert one_sentence(error)


WRONG = [
    ("clusters = 4", "unknown setting 'clusters'"),
    ("k = '4'", "k cannot be '4'"),
    ("k = 4.0", "k cannot be 4.0"),
    ("k = true", "k cannot be True"),
    ("seed = false", "seed cannot be False"),
    ("smooth = true", "smooth cannot be True"),
    ("binning = 2020-01-01", "binning cannot be"),
    ("gaps = 1", "gaps cannot be 1"),
    ("names = 'ab'", "names cannot be 'ab'"),
    ("names = [1, 2]", "names must be a list of texts"),
    ("roi = [1, 2, 3]", "roi must be four whole numbers"),
    ("roi = [1, 2, 3, true]", "roi must be four whole numbers"),
    ("roi = [1, 2, 3, 4.0]", "roi must be four whole numbers"),
    ("refine = 3", "refine cannot be 3"),
    ("refine = ['merge']", "given as [[refine]] tables"),
    ("[refine]\naction = 'clean'", "refine cannot be"),
    ("[[refine]]\naction = 'paint'", "must be one of merge, split, drop, clean"),
    ("[[refine]]\naction = 'merge'\nclusters = 1", "must be a list"),
    ("[[refine]]\naction = 'clean'\nsize = 2.5", "must be a whole number"),
    ("[[refine]]\naction = 'drop'\ncluster = -1", "must be a whole number from 0 to 29"),
    ("regions = [1]", "needs name, kind and vertices"),
    ("[[regions]]\nname = 'a'", "needs name, kind and vertices"),
    ("[[regions]]\nname = 'a'\nkind = 'pixel'\nvertices = [[1, 2]]\ncolor = 1", "and nothing else"),
    ("[[regions]]\nname = 'a'\nkind = 'pixel'\nvertices = [1, 2]", "must be pairs of numbers"),
    ("[[regions]]\nname = 'a'\nkind = 'pixel'\nvertices = [['1', 2]]", "must be pairs of numbers"),
    ("[[regions]]\nname = 'a'\nkind = 'pixel'\nvertices = [[1, true]]", "must be pairs of numbers"),
    ("[[regions]]\nname = 'a'\nkind = 'pixel'\nvertices = [[nan, 1]]", "nowhere near a map"),
    ("[[regions]]\nname = '../a'\nkind = 'pixel'\nvertices = [[1, 1]]", "cannot be named"),
    ("[[regions]]\nname = 1\nkind = [2]\nvertices = [[1, 1]]", "cannot be named 1"),
    ("[[regions]]\nname = 'a'\nkind = [2]\nvertices = [[1, 1]]", "must be one of pixel"),
]


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_a_wrong_recipe_is_refused_in_one_sentence(recipe, text, message):
    with pytest.raises(SettingError) as error:
        read_recipe(recipe(text))
    assert message in str(error.value)
    assert "recipe.toml" in str(error.value)
    assert one_sentence(error)


@pytest.mark.parametrize(
    "content",
    [
        b"k = ",
        b"k = 3\nk = 4",
        b"\xff\xfe",
        b"\x00",
        b"names = " + b"[" * 100_000,
        b"seed = " + b"9" * 5000,
        b"PK\x03\x04 a zip",
        b"x" * (MAX_RECIPE_BYTES + 1),
    ],
    ids=["cut", "twice", "utf-16", "nul", "nested", "digits", "zip", "huge"],
)
def test_a_file_that_is_no_recipe_is_refused_in_one_sentence(recipe, content):
    with pytest.raises(ReadError) as error:
        read_recipe(recipe(content))
    assert len(str(error.value)) < 500
    assert one_sentence(error)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path / "nothing.toml", tmp_path):
        with pytest.raises(ReadError, match="cannot be read") as error:
            read_recipe(path)
        assert str(path) in str(error.value)
        assert one_sentence(error)


@given(st.dictionaries(
    st.sampled_from(["k", "seed", "roi", "names", "refine", "regions", "smooth", "gaps", "x"]),
    st.recursive(
        st.none() | st.booleans() | st.integers(-5, 40) | st.floats() | texts,
        lambda inner: st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["action", "cluster", "clusters", "parts", "size", "name", "kind", "vertices"]),
            inner | st.sampled_from(["merge", "split", "drop", "clean", "pixel", "polygon", "a"]),
            max_size=4,
        ),
        max_leaves=12,
    ),
    max_size=4,
))  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_whatever_stands_in_it_ends_in_settings_or_a_sentence(values):
    try:
        found = settings_of(values)
    except EllimapsError:
        return
    assert isinstance(found, Settings)
