"""The Classify page by Streamlit's own test driver: labelling, training, trying; empty, clicked and wrong."""

from __future__ import annotations

import re
import shutil
import time
from dataclasses import fields

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from support.cell_folder import cell_image, write_cells
from support.choosing import choose

from ellimaps.classify import load_model, read_image
from ellimaps.core.errors import EllimapsError, ExportError, ReadError
from ellimaps.ui.pages.classify.charts import START, contribution_bars
from ellimaps.ui.pages.classify.files import beside, image_folders, label_lists, new_file, saved_models
from ellimaps.ui.pages.classify.label import _do
from ellimaps.ui.pages.classify.models import save_trained, trained_on
from ellimaps.ui.pages.classify.pictures import picture_of
from ellimaps.ui.pages.classify.state import ClassifyState
from ellimaps.ui.pages.classify.try_http import curl_command
from ellimaps.ui.pages.classify.written import read_back, written
from ellimaps.ui.shared import state as shared_state

COUNT = 24


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A data root with a labelled folder and a model; two of the labels are wrong."""
    from ellimaps.classify import read_labels

    root = tmp_path_factory.mktemp("data").resolve()
    images = write_cells(root / "cells", COUNT, wrong=2)
    trained = trained_on(
        images, "cells/images", read_labels(root / "cells" / "labels.csv", images), 1, lambda *_: None
    )
    save_trained(trained, root / "models" / "first.ellimodel")
    return root, trained


@pytest.fixture
def root(made, monkeypatch, tmp_path):
    monkeypatch.setenv("ELLIMAPS_DATA_ROOT", str(made[0]))
    monkeypatch.chdir(tmp_path)
    for saved in (made[0] / "cells").glob("images_labels.csv*"):
        saved.unlink()
    return made[0]


def _page():
    from ellimaps.ui.pages.classify.page import render
    from ellimaps.ui.shared.state import write_work

    render()
    write_work()


def opened(view=None):
    page = AppTest.from_function(_page, default_timeout=60).run()
    if view is not None:
        page.segmented_control(key="classify_view").set_value(view).run()
    assert not page.exception
    return page


def press(page, key):
    page.button(key=key).click().run()
    assert not page.exception


def label(page, number):
    made = labelling(page)
    press(page, f"label_{made.position}_{number}")


def work(page):
    return page.session_state["ClassifyState"]


def labelling(page):
    [one] = work(page).lists.values()
    return one.labeling


@pytest.mark.parametrize("view", ["Label", "Train", "Try"])
def test_empty_says_what_to_do(monkeypatch, tmp_path, view):
    monkeypatch.setenv("ELLIMAPS_DATA_ROOT", str(tmp_path))
    page = opened(view)
    assert "ellimaps" in page.info[0].value
    assert not page.error


def test_the_generated_example_is_one_click_away(monkeypatch, tmp_path):
    monkeypatch.setenv("ELLIMAPS_DATA_ROOT", str(tmp_path))
    page = opened()
    press(page, "classify_example")
    assert labelling(page).files[0] == "001.tif"
    assert len(labelling(page).files) == 40
    assert page.selectbox(key="classify_typed").value == "example_cells/images"
    page.segmented_control(key="classify_view").set_value("Train").run()
    assert "example_cells/labels.csv" in page.selectbox(key="train_typed").options


def test_an_example_that_cannot_be_written_is_told(monkeypatch, tmp_path):
    monkeypatch.setenv("ELLIMAPS_DATA_ROOT", str(tmp_path))
    page = opened()
    (tmp_path / "example_cells").write_text("no folder")
    page.button(key="classify_example").click().run()
    assert not page.exception
    assert len(page.warning) + len(page.error) == 1


@pytest.mark.usefixtures("root")
def test_a_copied_address_shows_the_same_image():
    page = opened()
    press(page, "label_next")
    press(page, "label_next")
    assert page.query_params["label_image"] == "003.tif"
    other = AppTest.from_function(_page, default_timeout=60)
    other.query_params["label_image"] = "003.tif"
    other.run()
    assert labelling(other).file == "003.tif"
    press(other, "label_back")
    assert labelling(other).file == "002.tif"


@pytest.mark.usefixtures("root")
def test_labels_are_given_taken_back_and_counted():
    page = opened()
    label(page, 1)
    label(page, 0)
    label(page, 0)
    press(page, "label_undo")
    press(page, "label_back")
    assert dict(labelling(page).labels) == {"001.tif": "1", "002.tif": "0"}
    assert labelling(page).file == "002.tif"
    assert "002.tif" in page.get("html")[0].proto.body
    assert "2 of 24 · heterogeneous" in page.get("html")[0].proto.body
    press(page, "label_next_unlabelled")
    assert labelling(page).file == "003.tif"


@pytest.mark.usefixtures("root")
def test_a_press_meant_for_another_picture_labels_nothing():
    page = opened()
    press(page, "label_next")
    keys = [button.key for button in page.button]
    assert "label_1_1" in keys
    assert "label_0_1" not in keys


@pytest.mark.usefixtures("root")
def test_an_answer_that_arrives_late_or_twice_labels_nothing():
    """As the browser sends it: with the turn and the picture it was given for."""
    page = opened()
    [one] = work(page).lists.values()
    given_at = one.turn
    for _ in range(3):
        _do(one, given_at, lambda now: now.labeled("1"))
    assert dict(one.labeling.labels) == {"001.tif": "1"}
    assert one.labeling.file == "002.tif"


def test_labels_are_saved_as_they_are_given_and_there_again(root):
    page = opened()
    label(page, 1)
    saved = root / "cells" / "images_labels.csv"
    assert saved.read_text() == "image_id,is_homogenous\n001.tif,1\n"
    press(page, "label_undo")
    assert saved.read_text() == "image_id,is_homogenous\n"
    label(page, 0)
    again = opened()
    assert dict(labelling(again).labels) == {"001.tif": "0"}
    assert labelling(again).file == "002.tif"
    saved.write_text("something else")
    label(again, 0)
    assert "Not saved" in again.error[0].value
    assert saved.read_text() == "something else"
    third = opened()
    assert "name another list" in third.error[0].value
    assert saved.read_text() == "something else"


def test_saved_below_the_root_and_gone_on_with(root):
    page = opened()
    for number in (1, 0, 1):
        label(page, number)
    assert page.text_input(key=f"label_list_{root / 'cells' / 'images'}").value == "cells/images_labels.csv"
    page.text_input(key=f"label_list_{root / 'cells' / 'images'}").set_value("lists/a.csv").run()
    press(page, "label_save")
    assert "3 labels saved" in page.success[0].value
    path = root / "lists" / "a.csv"
    assert path.read_text() == "image_id,is_homogenous\n001.tif,1\n002.tif,0\n003.tif,1\n"
    again = opened()
    choose(again, "label_load_typed", "lists/a.csv")
    press(again, "label_load")
    assert labelling(again).file == "004.tif"
    label(again, 1)
    press(again, "label_save")
    assert path.read_text().endswith("004.tif,1\n")
    label(page, 0)
    press(page, "label_save")
    assert "exists already" in page.error[0].value
    assert path.read_text().endswith("004.tif,1\n")


@pytest.mark.parametrize(
    "name", ["../out.csv", "", "labels.txt", "cells", "/etc/labels.csv", "cells/labels.csv"]
)
def test_places_that_are_refused(root, name):
    page = opened()
    label(page, 1)
    before = sorted(path for path in root.parent.rglob("*") if path.is_file())
    page.text_input(key=f"label_list_{root / 'cells' / 'images'}").set_value(name).run()
    press(page, "label_save")
    assert len(page.error) == 1
    assert sorted(path for path in root.parent.rglob("*") if path.is_file()) == before


@pytest.mark.usefixtures("root")
def test_classes_are_named_and_added():
    page = opened()
    label(page, 1)
    page.text_input(key="label_column_is_homogenous").set_value("stage")
    page.text_area(key="label_names_heterogeneous\nhomogeneous").set_value("early\nlate\n*dead*")
    [apply] = [button for button in page.button if button.label == "Apply"]
    apply.click().run()
    assert not page.exception
    label(page, 2)
    assert labelling(page).column == "stage"
    assert labelling(page).labels["002.tif"] == "2"
    assert page.button(key="label_2_2").label == r"\*dead\* `2`"


@pytest.mark.parametrize("typed", ["..", "/etc", "models", "nowhere"])
@pytest.mark.parametrize("view", ["Label", "Train"])
@pytest.mark.usefixtures("root")
def test_other_folders_are_refused_with_a_sentence(typed, view):
    page = opened(view)
    choose(page, "classify_typed", typed)
    if view == "Train" and typed == "models":
        press(page, "train")
    assert not page.exception
    assert len(page.error) == 1


def test_training_on_labels_given_here(root):
    page = opened()
    for number in range(1, 13):
        label(page, number % 2)
    page.segmented_control(key="classify_view").set_value("Train").run()
    assert page.selectbox(key="train_typed").value == "Labels given here"
    page.number_input(key="train_repeats").set_value(1)
    press(page, "train")
    wait_for_work(page)
    report = work(page).trained.report
    assert sum(report.counts) == 12
    assert [metric.label for metric in page.metric] == [
        "Score",
        "Balanced accuracy",
        "Area under the curve",
        "Recall of heterogeneous",
        "Recall of homogeneous",
    ]
    limits = [metric.delta for metric in page.metric]
    assert all(re.fullmatch(r"0\.\d{3} to [01]\.\d{3}", one) for one in limits)
    assert len(page.get("vega_lite_chart")) == 1
    press(page, "train_save")
    [saved] = (root / "models").glob(f"is_homogenous_{work(page).trained.model.version}.ellimodel")
    assert load_model(saved).version == work(page).trained.model.version
    assert saved.with_suffix(".html").is_file()
    press(page, "train_save")
    assert "exists already" in page.warning[0].value
    saved.unlink()


def wait_for_work(page):
    deadline = time.monotonic() + 60
    while work(page).task is not None and time.monotonic() < deadline:
        work(page).task.job.wait(1)
        page.run()
    assert work(page).task is None
    assert not page.exception


@pytest.mark.usefixtures("root")
def test_training_can_be_stopped():
    page = opened("Train")
    page.number_input(key="train_repeats").set_value(50)
    press(page, "train")
    assert work(page).task is not None
    work(page).task.job.stop()
    wait_for_work(page)
    assert work(page).trained is None
    assert page.warning[0].value == "Stopped."


@pytest.mark.usefixtures("root")
def test_too_few_labels_are_told():
    page = opened()
    label(page, 1)
    page.segmented_control(key="classify_view").set_value("Train").run()
    press(page, "train")
    wait_for_work(page)
    assert len(page.error) + len(page.warning) == 1
    assert work(page).trained is None


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize("restarted", [False, True])
def test_a_model_that_was_not_saved_is_there_again(monkeypatch, restarted):
    monkeypatch.setattr(shared_state, "_is_open", lambda _: False)
    page = opened("Train")
    page.number_input(key="train_repeats").set_value(1)
    press(page, "train")
    wait_for_work(page)
    if restarted:
        shared_state._IN_MEMORY.clear()
    again = AppTest.from_function(_page, default_timeout=60)
    for name in page.query_params:
        again.query_params[name] = page.query_params[name]
    again.run()
    assert not again.exception
    assert (work(again) is work(page)) == (not restarted)
    assert work(again).trained.content == work(page).trained.content
    assert work(again).trained.html == work(page).trained.html
    assert work(again).trained.model.version == work(page).trained.model.version
    told = [[one.value for one in kind] for kind in (again.caption, again.markdown, again.metric)]
    assert told == [[one.value for one in kind] for kind in (page.caption, page.markdown, page.metric)]
    assert len(again.get("image")) == len(page.get("image")) >= 2


def test_a_training_is_read_back_as_it_was_or_left_out(made):
    trained = made[1]
    content = written(trained)
    again = read_back(content)
    for one in fields(trained.report):
        before, after = (getattr(report, one.name) for report in (trained.report, again.report))
        assert before.equals(after) if hasattr(before, "equals") else before == after
    image = cell_image(1, 99)
    assert again.model.predict(image).probability == trained.model.predict(image).probability
    for damaged in (b"", content[:2000], content.replace(b"report.json", b"report.jsom")):
        with pytest.raises((EllimapsError, KeyError, TypeError, ValueError)):
            read_back(damaged)
    assert ClassifyState.of_facts({"trained": "../../etc/passwd", "recent": ["a"]}).trained is None


@pytest.mark.usefixtures("root")
def test_mistakes_are_shown_with_pictures(made):
    page = opened("Train")
    work(page).trained = made[1]
    page.run()
    captions = " ".join(caption.value for caption in page.caption)
    assert "**001.tif** is heterogeneous, answered homogeneous" in captions
    assert len(page.get("image")) >= 2


@pytest.mark.usefixtures("root")
def test_a_saved_model_answers():
    page = opened("Try")
    assert page.selectbox(key="try_model").value == "models/first.ellimodel"
    for name, answer in (("003.tif", "homogeneous"), ("004.tif", "heterogeneous")):
        page.selectbox(key="try_image").set_value(name).run()
        assert not page.exception
        assert page.metric[0].value == answer
        assert len(page.get("vega_lite_chart")) == 1
        assert "code" in page.dataframe[0].value.columns
        assert not page.dataframe[0].value["measurement"].str.contains("_").any()


@pytest.mark.usefixtures("root")
def test_an_upload_answers_and_a_wrong_one_is_told(tmp_path):
    import tifffile

    page = opened("Try")
    path = tmp_path / "new.tif"
    tifffile.imwrite(path, cell_image(1, 99))
    page.file_uploader(key="try_upload").set_value(("new.tif", path.read_bytes(), "image/tiff")).run()
    assert page.metric[0].value == "homogeneous"
    page.file_uploader(key="try_upload").set_value(("no.tif", b"no image", "image/tiff")).run()
    assert "no.tif" in page.error[0].value
    assert not page.metric


def test_bars_of_the_explanation_add_up_to_the_answer(made, root):
    """Where the typical image stands is one of them, and what has no bar of its own shares one."""
    model = made[1].model
    for name in ("003.tif", "004.tif", "005.tif"):
        prediction = model.predict(*read_image(root / "cells" / "images" / name))
        bars = contribution_bars(prediction, model.unit)
        weighted = np.log([*prediction.probabilities.values()]) + np.log(model.classifier.weights)
        answer = model.classes.index(prediction.label)
        assert START in bars["row"].tolist()
        assert bars["contribution"].sum() == pytest.approx(weighted[answer] - weighted[1 - answer], abs=1e-6)
        assert bars["contribution"].sum() > 0


@pytest.mark.usefixtures("root")
def test_a_whole_folder_is_sorted_by_doubt():
    page = opened("Try")
    page.segmented_control(key="try_view").set_value("Whole folder").run()
    press(page, "try_folder")
    wait_for_work(page)
    table = page.dataframe[0].value
    assert len(table) == COUNT
    assert table["doubt"].is_monotonic_decreasing
    assert set(table["name"]) == {"heterogeneous", "homogeneous"}
    assert not page.warning
    assert len(page.get("image")) == COUNT
    truth = ["homogeneous" if int(name[:3]) % 2 else "heterogeneous" for name in table["file"]]
    assert (table["name"] == truth).mean() > 0.8


def test_a_folder_of_other_images_is_warned_of(root):
    """The same cells out of focus and larger."""
    import tifffile
    from scipy import ndimage

    (root / "cells" / "other").mkdir(exist_ok=True)
    for number in range(12):
        image = ndimage.zoom(ndimage.gaussian_filter(cell_image(number % 2, 300 + number), 3.0), 1.5)
        tifffile.imwrite(root / "cells" / "other" / f"{number}.tif", image)
    try:
        page = opened("Try")
        choose(page, "classify_typed", "cells/other")
        page.segmented_control(key="try_view").set_value("Whole folder").run()
        press(page, "try_folder")
        wait_for_work(page)
        assert "differ from those of the training" in page.warning[0].value
    finally:
        shutil.rmtree(root / "cells" / "other")


@pytest.mark.usefixtures("root")
def test_commands_for_the_server_are_there_to_copy():
    page = opened("Try")
    page.segmented_control(key="try_view").set_value("Over HTTP").run()
    served, asked = (one.value for one in page.code)
    assert served == "ellimaps serve --model models/first.ellimodel --port 4321"
    assert "http://127.0.0.1:4321/predict" in asked
    assert asked == curl_command("cell.tif")


@pytest.mark.usefixtures("root")
def test_the_most_uncertain_image_is_labelled_next():
    page = opened()
    press(page, "label_uncertain")
    wait_for_work(page)
    doubts = labelling(page).doubts
    ranked = sorted(doubts, key=lambda name: -doubts[name])
    assert labelling(page).file == next(name for name in ranked if name != "001.tif")
    label(page, 1)
    assert labelling(page).file == next(name for name in ranked if name not in labelling(page).labels)
    assert "doubt of the model" in page.get("html")[0].proto.body
    press(page, "label_in_order")
    assert not labelling(page).doubts


@pytest.mark.usefixtures("root")
def test_two_peoples_labels_are_compared():
    page = opened()
    for number in range(1, 9):
        label(page, number % 2)
    lists = page.selectbox(key="label_compare").options
    assert "cells/labels.csv" in lists
    page.selectbox(key="label_compare").set_value("cells/labels.csv").run()
    shown = {metric.label: metric for metric in page.metric}
    # The first two labels of that list are wrong.
    assert shown["Agreement"].value == "75.0%"
    assert shown["Cohen's kappa"].value == "0.5"
    assert set(page.dataframe[0].value["file"]) == {"001.tif", "002.tif"}


@pytest.mark.usefixtures("root")
def test_no_cell_is_no_answer(tmp_path):
    from PIL import Image

    across = np.tile(np.linspace(10, 200, 96), (96, 1))
    path = tmp_path / "field.png"
    Image.fromarray(np.dstack([across, across.T, np.full((96, 96), 90)]).astype(np.uint8)).save(path)
    page = opened("Try")
    page.file_uploader(key="try_upload").set_value(("field.png", path.read_bytes(), "image/png")).run()
    assert "No cell" in page.warning[0].value
    assert not page.metric
    assert not page.get("vega_lite_chart")
    assert not page.exception


def test_a_damaged_model_is_told(root):
    (root / "models" / "damaged.ellimodel").write_bytes(b"no model")
    try:
        page = opened("Try")
        page.selectbox(key="try_model").set_value("models/damaged.ellimodel").run()
        assert "damaged.ellimodel" in page.error[0].value
        assert not page.exception
    finally:
        (root / "models" / "damaged.ellimodel").unlink()


def test_what_is_found_below_the_root(root):
    (root / ".hidden").mkdir(exist_ok=True)
    assert image_folders(root) == ["cells/images"]
    assert "cells/labels.csv" in label_lists(root / "cells" / "images", root)
    assert "models/first.ellimodel" in saved_models(root)
    assert beside(root / "cells" / "images", "labels.csv") == "cells/images_labels.csv"
    assert beside(root, "labels.csv") == ""


def test_a_link_out_of_the_root_is_not_written(root, tmp_path):
    (root / "out.csv").symlink_to(tmp_path / "elsewhere.csv")
    try:
        with pytest.raises(ExportError, match="not below the data root"):
            new_file("out.csv", ".csv")
    finally:
        (root / "out.csv").unlink()


@pytest.mark.usefixtures("root")
def test_damaged_pictures_are_told_and_others_go_on(tmp_path):
    (tmp_path / "bad.tif").write_bytes(b"II*\0")
    for name in ("bad.tif", "gone.tif"):
        with pytest.raises(ReadError, match=name):
            picture_of(tmp_path / name)


@pytest.mark.usefixtures("root")
def test_a_click_in_the_confusion_matrix_shows_its_images(made):
    page = opened("Train")
    work(page).trained = made[1]
    page.run()
    before = len(page.get("image"))
    answers = made[1].report.answers
    for true, answer in ((0, 1), (1, 1)):
        press(page, f"confusion_{true}_{answer}")
        files = answers.loc[(answers["label"] == true) & (answers["answer"] == answer), "file"]
        assert len(page.get("image")) == before + len(files)
        captions = [caption.value for caption in page.caption]
        assert set(files) <= set(captions)
    press(page, "confusion_1_1")
    assert len(page.get("image")) == before


@pytest.mark.usefixtures("root")
def test_what_decides_is_said_in_words(made):
    page = opened("Train")
    work(page).trained = made[1]
    page.run()
    [words] = [one.value for one in page.markdown if one.value.startswith("What decides most")]
    assert "more speaks for" in words
    assert "_" not in words


@pytest.mark.usefixtures("root")
def test_the_learning_curve_says_what_further_labels_would_bring():
    page = opened("Train")
    press(page, "train_curve")
    assert work(page).task is not None
    wait_for_work(page)
    folder, curve = work(page).curve
    assert (folder.name, curve.labels) == ("images", COUNT)
    assert curve.words in [one.value for one in (*page.info, *page.success)]
    assert len(page.get("vega_lite_chart")) == 1
    assert [button.proto.label for button in page.get("download_button")] == ["Learning curve (CSV)"]
    press(page, "train_curve")
    work(page).task.job.stop()
    wait_for_work(page)
    assert page.warning[0].value == "Stopped."
    assert work(page).curve[1] is curve


def test_two_models_are_compared_on_images_that_taught_neither(made, root):
    import tifffile

    (root / "cells" / "later").mkdir()
    rows = []
    for number in range(8):
        tifffile.imwrite(root / "cells" / "later" / f"{number}.tif", cell_image(number % 2, 700 + number))
        rows.append(f"{number},{number % 2}\n")
    (root / "cells" / "later.csv").write_text("image_id,is_homogenous\n" + "".join(rows))
    try:
        page = opened("Train")
        work(page).trained = made[1]
        choose(page, "classify_typed", "cells/later")
        choose(page, "train_typed", "cells/later.csv")
        press(page, "compare_models")
        wait_for_work(page)
        assert work(page).comparison.images == 8
        shown = {metric.label: metric.value for metric in page.metric}
        assert shown["First right"] == shown["Second right"]
        assert any("neither is shown to be better" in caption.value for caption in page.caption)
        choose(page, "classify_typed", "cells/images")
        choose(page, "train_typed", "cells/labels.csv")
        press(page, "compare_models")
        wait_for_work(page)
        assert "trained on" in page.warning[0].value
    finally:
        shutil.rmtree(root / "cells" / "later")
        (root / "cells" / "later.csv").unlink()
