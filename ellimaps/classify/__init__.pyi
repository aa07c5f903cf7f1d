"""The public names and where they live; `ellimaps/classify/__init__.py` imports each on first use."""

from .deep_model import DeepModel as DeepModel, load_classifier as load_classifier
from .further_labels import LearningCurve as LearningCurve, learning_curve as learning_curve
from .image_features import CellFeatures as CellFeatures, measure_image as measure_image
from .image_folder import image_files as image_files
from .images import read_image as read_image
from .model_file import SUFFIX as SUFFIX, load_model as load_model, save_model as save_model
from .population_model import PopulationModel as PopulationModel, Prediction as Prediction
from .training import Training as Training, TrainingReport as TrainingReport, train as train
from .training_labels import Labels as Labels, read_labels as read_labels
from .training_page import training_html as training_html
