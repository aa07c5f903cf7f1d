"""``ellimaps plates embed`` and ``report``: files, JSON, exit codes, a page that needs nothing else."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from support.plates_profiles import profiles
from typer.testing import CliRunner

from ellimaps.cli import cli
from ellimaps.core.errors import ReadError, SettingError
from ellimaps.plates.measuring.profiles import save_profiles

HOSTILE = "<script>alert('$x_1$')</script>"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = profiles(1, effects={HOSTILE: {"cell_count": -9.0}, "Inert": {}}, controls=16)
    place = tmp_path_factory.mktemp("profiles")
    save_profiles(made, place)
    return place


def run(*arguments):
    return CliRunner().invoke(cli, ["plates", *map(str, arguments)], catch_exceptions=False)


def test_embed_tells_json_and_writes_files(folder):
    answer = run("embed", folder, "--seed", 3, "--level", "well", "--clusters", "kmeans", "--json")
    facts = json.loads(answer.stdout)
    assert answer.exit_code == 0
    assert set(facts) == {
        *("n_fields", "n_wells", "field_accuracy_1nn", "well_accuracy_1nn", "map", "files"),
    }
    assert (facts["n_fields"], facts["n_wells"]) == (80, 40)
    positions = pd.read_csv(folder / "embedding.csv")
    assert {"well", "compound", "x", "y", "cluster"} <= set(positions)
    assert len(positions) == 40
    table = pd.read_csv(folder / "answers.csv", keep_default_na=False)
    assert {"p", "q", "distance", "map", "changes", "nearest"} <= set(table)
    listed = json.loads((folder / "embedding.json").read_text(encoding="utf-8"))
    assert listed["settings"] == {
        **{"method": "pca", "seed": 3, "level": "well"},
        **{"clusters": "kmeans", "correct": "none", "positive": None},
    }
    assert sorted(listed["files"]) == sorted(path.rsplit("/", 1)[-1] for path in facts["files"])


def test_the_same_command_writes_the_same_bytes(folder):
    def contents():
        files = json.loads(run("embed", folder, "--method", "tsne", "--json").stdout)["files"]
        page = run("report", folder, "--out", folder / "page.html").stdout.strip()
        return [Path(name).read_bytes() for name in [*files, page]]

    assert contents() == contents()


def test_effects_of_place_are_taken_off_and_said(folder, tmp_path):
    for name in ("fields.parquet", "wells.parquet", "plate.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    run("embed", tmp_path)
    before = [(tmp_path / name).read_bytes() for name in ("embedding.csv", "plate_effect.csv")]
    run("embed", tmp_path, "--correct", "polish")
    after = [(tmp_path / name).read_bytes() for name in ("embedding.csv", "plate_effect.csv")]
    assert before[0] != after[0]
    assert before[1] == after[1]
    assert json.loads((tmp_path / "embedding.json").read_text())["settings"]["correct"] == "polish"
    page = Path(run("report", tmp_path, "--correct", "polish").stdout.strip())
    assert "Positional effects taken off" in page.read_text(encoding="utf-8")


def test_embed_tells_people_too(folder):
    answer = run("embed", folder)
    assert "80 fields of 40 wells" in answer.stdout
    assert "Inert" in answer.stdout


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data


def test_the_report_needs_no_other_file(folder):
    answer = run("report", folder)
    assert answer.exit_code == 0
    text = (folder / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    assert "script" not in page.tags
    assert not re.search(r"https?:|@import|url\(", text)
    sources = [value for name, value in page.attributes if name == "src"]
    assert len(sources) == 4
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert HOSTILE in page.text
    assert "fewer cells (-" in page.text
    assert "1 of 2 compounds change the cells" in page.text


def test_every_link_leads_somewhere_and_tables_take_the_keyboard(folder):
    run("report", folder)
    page = Page((folder / "report.html").read_text(encoding="utf-8"))
    ids = {value for name, value in page.attributes if name == "id"}
    links = [value for name, value in page.attributes if name == "href"]
    assert links
    assert all(link.startswith("#") and link[1:] in ids for link in links)
    assert page.tags.count("img") == len(
        [value for name, value in page.attributes if name == "alt" and value]
    )
    assert ("tabindex", "0") in page.attributes


def test_controls_and_plates_are_told(tmp_path):
    made = profiles(2, plates=("p", "q"), by_position=lambda plate, *_: {"mean_ch2": 6.0 * (plate == "q")})
    save_profiles(made, tmp_path)
    answer = run("embed", tmp_path, "--positive", "Brighter")
    quality = pd.read_csv(tmp_path / "quality.csv")
    assert len(quality) == 2 * len(made.features)
    assert quality["positive"].unique().tolist() == ["Brighter 12.5 uM"]
    strong = quality.set_index(["plate", "feature"]).loc[("p", "mean_ch2")]
    assert strong["ssmd"] > 3
    assert "cell_count" in answer.stdout
    assert "robust z-scores" in answer.stdout
    batches = pd.read_csv(tmp_path / "batch_effect.csv").set_index("stage")
    assert batches.loc["before normalizing", "feature"] == "mean_ch2"
    assert batches.loc["before normalizing", "plate"] > batches.loc["controls centered", "plate"]
    page = Page(Path(run("report", tmp_path, "--positive", "Brighter").stdout.strip()).read_text("utf-8"))
    assert page.tags.count("img") == 5
    assert "robust SSMD" in page.text
    with pytest.raises(SettingError, match="No well has the positive control"):
        run("embed", tmp_path, "--positive", "Aspirin")


def test_a_folder_without_profiles_is_refused(tmp_path):
    for name in ("embed", "report"):
        with pytest.raises(ReadError, match="run ellimaps plates profile first"):
            run(name, tmp_path)
    assert run("embed", tmp_path, "--method", "mds").exit_code == 2
