"""A model trained once for all tests of the server, and a real server with it."""

from __future__ import annotations

import pytest
import tifffile
from support.server_calls import cell, encoded

from ellimaps.classify import read_labels, save_model, train


@pytest.fixture(scope="session")
def images():
    return [cell(number) for number in range(10)]


@pytest.fixture(scope="session")
def model_file(images, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cells")
    for number, values in enumerate(images):
        tifffile.imwrite(folder / f"{number}.tif", values)
    labels = folder / "labels.csv"
    labels.write_text("image_id,is_homogenous\n" + "".join(f"{i},{i % 2}\n" for i in range(len(images))))
    file = folder / "cells.ellimodel"
    save_model(train(folder, read_labels(labels, folder), repeats=1).model, file)
    return file


@pytest.fixture(scope="session")
def image(images):
    return encoded(images[0], "png")
