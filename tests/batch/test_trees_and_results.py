"""What a batch wrote is never an input of the next one, and a run that ended early can be taken up."""

from __future__ import annotations

import pytest

from ellimaps.batch.asked import read_asked
from ellimaps.batch.cells import CellWork
from ellimaps.batch.layout import layout_of
from ellimaps.batch.maps import MapWork
from ellimaps.batch.recipes import read_work
from ellimaps.batch.results import read_results
from ellimaps.batch.runner import run_batch, tree_of
from ellimaps.batch.work import attempt, recipe_hash
from ellimaps.core.errors import ReadError
from ellimaps.maps.pipeline import run
from ellimaps.maps.settings import Settings
from ellimaps.objects.cell_settings import CellSettings
from ellimaps.objects.quality import QualityLimits
from ellimaps.samples import sample_cells, sample_ep4

CELLS = CellWork(CellSettings(radius=(8, 25)))
MAPS = MapWork(Settings(k=2))


def in_turn(work, tasks):
    """An engine without processes."""
    return ((task, attempt(work, task.item.argument, task.files)) for task in tasks)


def stopped_after(number):
    """An engine that is stopped as a user does, by the signal that becomes SystemExit."""

    def engine(work, tasks):
        for done, result in enumerate(in_turn(work, tasks)):
            if done == number:
                raise SystemExit
            yield result

    return engine


@pytest.fixture
def cells(tmp_path):
    return sample_cells(
        tmp_path / "data", dates=1, subjects=1, experiments=2, fovs=2,
        size=(96, 96), count=(1, 2), radius=(8, 15),
    )  # fmt: skip


@pytest.fixture
def maps(tmp_path):
    for number in range(2):
        sample_ep4(
            tmp_path / "data" / "growth å" / f"wafer {number}", seed=number, size=(32, 40), kinds=2, bands=2
        )
    return tmp_path / "data"


def test_results_below_the_root_are_never_inputs_among_images(cells):
    # Their label images lie as deep below the root as the images.
    root = cells.parent / "root"
    images = root / "site" / "images"
    images.parent.mkdir(parents=True)
    cells.rename(images)
    pattern = layout_of(root).pattern(folders=False)
    run_batch(tree_of(images, root / "earlier", None, folders=False), CELLS, root / "earlier", in_turn)
    assert _inputs_of_runs(root, CELLS, pattern, folders=False) == {4}
    assert layout_of(root).pattern(folders=False) == pattern


def test_results_below_the_root_are_never_inputs_among_maps(maps):
    assert _inputs_of_runs(maps, MAPS, None, folders=True) == {2}


def _inputs_of_runs(root, work, pattern, *, folders):
    """How many inputs runs find one after the other, each with the results of those before below its root."""
    counts = set()
    for name in ("results/first", "results/second", "third", "results/first"):
        tree = tree_of(root, root / name, pattern, folders=folders)
        counts.add(run_batch(tree, work, root / name, in_turn).images)
    # A copy may lack what is hidden.
    (root / "third" / ".ellimaps").rename(root / "results" / "first" / "elsewhere")
    return counts | {len(list(tree_of(root, root / "fourth", pattern, folders=folders)))}


def test_results_of_one_measurement_are_no_inputs_but_a_measurement_exported_into_is(maps):
    [first, second] = sorted((maps / "growth å").iterdir())
    run(first, maps / "exports", Settings(k=2))
    run(second, second, Settings(k=2))
    found = [item.path for item in tree_of(maps, maps / "out", None, folders=True)]
    assert found == [first, second]


@pytest.mark.parametrize("below", [".", "qc", "labels"])
def test_a_result_folder_is_no_root(cells, tmp_path, below):
    out = tmp_path / "out"
    run_batch(tree_of(cells, out, None, folders=False), CELLS, out, in_turn)
    with pytest.raises(ReadError, match="holds results of ellimaps"):
        list(tree_of(out / below, tmp_path / "other", None, folders=False))


def test_a_home_with_events_is_a_root(cells):
    (cells / ".ellimaps" / "events").mkdir(parents=True)
    assert len(list(tree_of(cells, cells / "out", None, folders=False))) == 4


def test_a_stopped_run_shows_what_is_done_and_says_how_to_go_on(cells, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(SystemExit):
        run_batch(tree_of(cells, out, None, folders=False), CELLS, out, stopped_after(3))
    assert len(read_results(out).images) == 3
    asked = read_asked(out)
    assert (asked.root, asked.total, asked.finished) == (str(cells), 4, False)
    recipe = tmp_path / "again.toml"
    recipe.write_text(asked.recipe)
    summary = run_batch(tree_of(cells, out, asked.pattern, folders=False), read_work(recipe), out, in_turn)
    assert (summary.skipped, summary.done) == (3, 1)
    assert read_asked(out).finished


@pytest.mark.parametrize(
    "content", ["", "[]", "{", '{"root": 1}', '{"root": 1, "pattern": null, "recipe": 2}']
)
def test_what_was_asked_may_be_damaged(tmp_path, content):
    (tmp_path / ".ellimaps").mkdir()
    (tmp_path / ".ellimaps" / "run.json").write_text(content)
    assert read_asked(tmp_path) is None


def test_every_work_is_the_recipe_it_says(maps, tmp_path):
    model = next(maps.rglob("model.toml"))
    recipe = tmp_path / "recipe.toml"
    recipe.write_text("k = 3\nroi = [0, 9, 0, 9]\nnames = ['a', 'b', 'c']\n")
    limited = CellSettings(radius=(8, 25), ring=(1, 4), limits=QualityLimits(count=(2, 9)))
    for work in (MAPS, CELLS, CellWork(limited, "cellprofiler"), read_work(recipe, model=model)):
        recipe.write_text(work.recipe())
        assert recipe_hash(read_work(recipe)) == recipe_hash(work)


@pytest.mark.parametrize(
    ("depth", "pattern"),
    [
        (1, "{fov}"),
        (2, "{experiment}/{fov}"),
        (4, "{date}/{subject}/{experiment}/{fov}"),
        (6, "{level 1}/{level 2}/{date}/{subject}/{experiment}/{fov}"),
    ],
)
def test_the_pattern_follows_the_depth(tmp_path, depth, pattern):
    folder = tmp_path.joinpath(*(f"level {number}" for number in range(depth - 1)))
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("a.png", "b.tif", "notes.txt", ".hidden.png"):
        (folder / name).touch()
    layout = layout_of(tmp_path)
    assert (layout.images, layout.has_maps) == ({depth: 2}, False)
    assert layout.pattern(folders=False) == pattern
    tree = tree_of(tmp_path, tmp_path / "out", pattern, folders=False)
    assert [item.fields["FOV"] for item in tree] == ["a", "b"]


def test_folders_of_several_depths_are_all_taken(maps):
    sample_ep4(maps / "shallow", size=(32, 40), kinds=2, bands=2)
    layout = layout_of(maps)
    assert layout.has_maps
    assert layout.pattern(folders=True) is None
    assert len(list(tree_of(maps, maps / "out", None, folders=True))) == 3
