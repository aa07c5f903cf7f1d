"""Classify images of cells: train on a labelled folder, save, load, predict; each part has its own module."""

from ellimaps.classify.deep_model import DeepModel, load_classifier
from ellimaps.classify.image_folder import image_files
from ellimaps.classify.images import read_image
from ellimaps.classify.labels import Labels, read_labels
from ellimaps.classify.model_file import SUFFIX, load_model, save_model
from ellimaps.classify.population_model import PopulationModel, Prediction
from ellimaps.classify.portrait import Portrait, measure_image
from ellimaps.classify.training import Training, TrainingReport, train
from ellimaps.classify.training_page import training_html

__all__ = [
    "SUFFIX",
    "DeepModel",
    "Labels",
    "PopulationModel",
    "Portrait",
    "Prediction",
    "Training",
    "TrainingReport",
    "image_files",
    "load_classifier",
    "load_model",
    "measure_image",
    "read_image",
    "read_labels",
    "save_model",
    "train",
    "training_html",
]
