"""The public names and where they live; `ellimaps/classify/__init__.py` imports each on first use."""

from .deep_model import DeepModel as DeepModel
from .deep_model import load_classifier as load_classifier
from .image_features import CellFeatures as CellFeatures
from .image_features import measure_image as measure_image
from .image_folder import image_files as image_files
from .images import read_image as read_image
from .model_file import SUFFIX as SUFFIX
from .model_file import load_model as load_model
from .model_file import save_model as save_model
from .population_model import PopulationModel as PopulationModel
from .population_model import Prediction as Prediction
from .training import Training as Training
from .training import TrainingReport as TrainingReport
from .training import train as train
from .training_labels import Labels as Labels
from .training_labels import read_labels as read_labels
from .training_page import training_html as training_html
