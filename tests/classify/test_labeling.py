"""Labelling by hand: the way through the images, undo, and the list that is saved and loaded again."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from ellimaps.classify.image_folder import image_files
from ellimaps.classify.labeling import LabelingSession, digit_of
from ellimaps.classify.labeling_file import facts_path, labels_csv, parse_labels, read_list, save_list
from ellimaps.core.errors import EllimapsError, ExportError, ReadError, SettingError

FILES = ("001.tif", "2.tif", "010.tif", "b.png")


def test_images_in_natural_order(tmp_path):
    for name in ("10.tif", "2.tif", "1.TIF", "b2.png", "b10.png", ".hidden.png", "labels.csv"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "folder.tif").mkdir()
    assert image_files(tmp_path) == ("1.TIF", "2.tif", "10.tif", "b2.png", "b10.png")


@pytest.mark.parametrize("name", ["empty", "missing"])
def test_a_folder_without_images_is_told(tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ReadError, match=name):
        image_files(tmp_path / name)


def test_labelling_goes_on_and_stays_at_the_last():
    made = LabelingSession(FILES).labeled("1").labeled("0").labeled("1").labeled("1")
    assert dict(made.labels) == {"001.tif": "1", "2.tif": "0", "010.tif": "1", "b.png": "1"}
    assert made.position == 3
    assert made.counts == {"0": 1, "1": 3}
    assert made.name_of(made.label) == "homogeneous"


def test_next_unlabelled_starts_again_at_the_first():
    made = LabelingSession(FILES).stepped(2).labeled("0").labeled("0")
    assert made.at_unlabeled().file == "001.tif"
    full = made.at_unlabeled().labeled("0").labeled("0")
    assert full.at_unlabeled().position == full.position


def test_undo_brings_back_what_was_overwritten_or_cleared():
    made = LabelingSession(FILES).labeled("1").stepped(-1).labeled("0").stepped(-1).cleared().stepped(3)
    assert made.labels == {}
    once = made.undone()
    assert (once.file, once.label) == ("001.tif", "0")
    assert once.undone().label == "1"
    assert once.undone().undone() == LabelingSession(FILES)
    assert LabelingSession(FILES).undone() == LabelingSession(FILES)
    assert LabelingSession(FILES).cleared() == LabelingSession(FILES)


moves = st.lists(st.sampled_from(["0", "1", "next", "back", "clear", "free"]), max_size=30)


@given(moves)
def test_undoing_everything_leaves_no_label(steps):
    made = LabelingSession(FILES)
    for step in steps:
        if step in ("0", "1"):
            made = made.labeled(step)
        elif step in ("next", "back"):
            made = made.stepped(1 if step == "next" else -1)
        else:
            made = made.cleared() if step == "clear" else made.at_unlabeled()
    for _ in made.past:
        made = made.undone()
    assert made.labels == {}


@given(st.lists(st.sampled_from(["0", "1", None]), min_size=4, max_size=4))
def test_what_is_saved_is_what_is_loaded(given_labels):
    made = LabelingSession(FILES)
    for position, label in enumerate(given_labels):
        made = made if label is None else made.stepped(position - made.position).labeled(label)
    again = parse_labels(labels_csv(made), FILES, "labels.csv")
    assert again.labels == made.labels
    assert labels_csv(again) == labels_csv(made)


def test_a_list_by_number_keeps_its_ids_columns_and_other_images():
    text = b'image_id,is_homogenous,group,note\n10,1,A,"x, y"\n1,0,A,\n77,1,B,elsewhere\nb,0,,\n'
    made = parse_labels(text, FILES, "labels.csv")
    assert dict(made.labels) == {"010.tif": "1", "001.tif": "0", "b.png": "0"}
    assert made.file == "2.tif"
    saved = labels_csv(made.labeled("1")).decode()
    assert saved == (
        'image_id,is_homogenous,group,note\n1,0,A,\n2.tif,1,,\n10,1,A,"x, y"\nb,0,,\n77,1,B,elsewhere\n'
    )


def test_text_labels_are_classes_with_a_key_each():
    made = parse_labels(b"image_id,state\n1,sick\n2,healthy\n10,sick\n", FILES, "x.csv")
    assert [one.value for one in made.classes] == ["healthy", "sick"]
    assert [digit_of(made.classes, number) for number in (0, 1)] == ["0", "1"]
    numbered = parse_labels(b"image_id,stage\n1,3\n2,1\n", FILES, "x.csv")
    assert [digit_of(numbered.classes, number) for number in (0, 1)] == ["1", "3"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "first line"),
        (b"name,label\n1,0\n", "first line"),
        (b"image_id\n1\n", "first line"),
        (b"image_id,a,a\n1,0,0\n", "first line"),
        (b"image_id,a\n1,0,0\n", r"Line 2 .* 3 cells instead of 2 \('1,0,0'\)"),
        (b'image_id,a\n\n1,"0\n"\n2,0,0\n', "Line 5 .* 3 cells"),
        (b"image_id,a\n1,0\n001,1\n", "001.tif twice"),
        (b"image_id,a\n501,0\n502,1\n", "None of the 2 images"),
        (b"\xff\xfe\x00", "no CSV"),
        (b"image_id,a\n" + b"".join(b"%d,%d\n" % (n, n) for n in range(1, 40)), "39 different"),
        (b'image_id,a\n"1,0\n', "no CSV"),
    ],
)
def test_what_is_no_list_of_these_images_is_told(text, says):
    with pytest.raises(ReadError, match=says):
        parse_labels(text, FILES, "labels.csv")


@given(st.binary(max_size=200))
def test_bytes_are_a_list_or_an_error(content):
    try:
        made = parse_labels(content, FILES, "labels.csv")
    except EllimapsError:
        return
    assert set(made.labels) <= set(FILES)


def test_classes_are_renamed_added_and_not_taken_from_labels():
    made = LabelingSession(FILES).labeled("1").with_classes("stage", ["early", "late", "dead"])
    assert [(one.value, one.name) for one in made.classes] == [("0", "early"), ("1", "late"), ("2", "dead")]
    assert labels_csv(made.labeled("2")) == b"image_id,stage\n001.tif,1\n2.tif,2\n"
    made.with_classes("stage", ["early", "late"])
    with pytest.raises(SettingError, match="Class 2 has labelled"):
        made.labeled("2").with_classes("stage", ["early", "late"])


@pytest.mark.parametrize(
    ("column", "names"),
    [("group", ["a", "b"]), ("", ["a", "b"]), ("x", ["a"]), ("x", ["a", "a"]), ("x", ["a", " "]),
     ("a\nb", ["a", "b"]), ("x", [str(n) for n in range(11)])],
)  # fmt: skip
def test_classes_that_cannot_be_are_told(column, names):
    with pytest.raises(SettingError):
        LabelingSession(FILES).with_classes(column, names)


def test_unknown_class():
    with pytest.raises(SettingError, match="'7'"):
        LabelingSession(FILES).labeled("7")


def test_saved_loaded_and_saved_again(tmp_path):
    path = tmp_path / "new" / "labels.csv"
    made = LabelingSession(FILES).with_classes("stage", ["early", "late", "dead"]).labeled("1")
    content = save_list(made, path)
    assert path.read_bytes() == content == b"image_id,stage\n001.tif,1\n"
    assert json.loads(facts_path(path).read_bytes())["classes"] == {"0": "early", "1": "late", "2": "dead"}
    again, held = read_list(path, FILES)
    assert again.classes == made.classes
    assert again.file == "2.tif"
    save_list(again.labeled("0"), path, replaces=held)
    assert path.read_bytes() == b"image_id,stage\n001.tif,1\n2.tif,0\n"
    assert sorted(one.name for one in path.parent.iterdir()) == ["labels.csv", "labels.csv.json"]


def test_other_labels_are_never_overwritten(tmp_path):
    path = tmp_path / "labels.csv"
    made = LabelingSession(FILES).labeled("1")
    held = save_list(made, path)
    with pytest.raises(ExportError, match="exists already"):
        save_list(made, path)
    path.write_bytes(b"image_id,is_homogenous\n1,0\n")
    with pytest.raises(ExportError, match="exists already"):
        save_list(made, path, replaces=held)
    assert path.read_bytes() == b"image_id,is_homogenous\n1,0\n"


def test_damaged_names_beside_a_list_are_left_alone():
    text = b"image_id,is_homogenous\n1,0\n"
    for facts in (
        b"{",
        b"[]",
        b'{"classes": {"0": "a"}}',
        b'{"classes": {"0": "", "1": "b"}}',
        b'{"classes": 3}',
    ):
        made = parse_labels(text, FILES, "x.csv", facts)
        assert [one.name for one in made.classes] == ["heterogeneous", "homogeneous"]


def test_the_real_list(shared_data):
    folder = shared_data / "cells_homogeneity"
    made, _ = read_list(folder / "labels.csv", image_files(folder / "images"))
    assert made.counts == {"0": 86, "1": 18}
    assert made.other_rows == ()


def test_the_most_uncertain_image_comes_next() -> None:
    session = LabelingSession(("a", "b", "c", "d"), doubts={"a": 0.1, "b": 0.2, "c": 0.9, "d": 0.5})
    session = session.labeled("0")
    assert session.file == "c"
    session = session.labeled("1")
    assert session.file == "d"
    assert session.at_unlabeled().file == "b"
    assert session.undone().file == "c"
