"""The public names and where they live; `ellimaps/__init__.py` imports each on first use."""

from . import classify as classify, plates as plates
from .classify.deep_model import load_classifier as load_classifier
from .classify.training_labels import read_labels as read_labels
from .core import errors as errors
from .core.provenance import __version__ as __version__
from .core.spectra import Spectra as Spectra
from .core.stack import ImageStack as ImageStack
from .images.intensities import (
    bleaching_curve as bleaching_curve,
    correct_intensities as correct_intensities,
)
from .images.preprocessing import preprocess as preprocess
from .maps.clustering.estimation import (
    ClusterEstimate as ClusterEstimate,
    estimate_k as estimate_k,
)
from .maps.clustering.features import feature_matrix as feature_matrix
from .maps.clustering.suggestion import (
    Suggestion as Suggestion,
    suggest_k as suggest_k,
)
from .maps.export import export_segmentation as export_segmentation
from .maps.films.files import export_fit as export_fit
from .maps.films.fit import (
    fit_map as fit_map,
    fit_shots as fit_shots,
)
from .maps.nexus import export_nexus as export_nexus
from .maps.pipeline import run as run
from .maps.segmentation import (
    Segmentation as Segmentation,
    segment as segment,
)
from .maps.settings import Settings as Settings
from .objects.analysis import analyse_image as analyse_image
from .objects.cell_settings import CellSettings as CellSettings
from .objects.circles import detect_circles as detect_circles
from .objects.measure import measure_objects as measure_objects
from .objects.nuclei import detect_nuclei as detect_nuclei
from .optics.crystals import UniaxialMaterial as UniaxialMaterial
from .optics.database.catalogue import search_materials as search_materials
from .optics.effective_medium import EffectiveMedium as EffectiveMedium
from .optics.fit_options import FitOptions as FitOptions
from .optics.graded import Graded as Graded
from .optics.interface import Interface as Interface
from .optics.layers import Layer as Layer
from .optics.library import (
    material as material,
    material_names as material_names,
    read_nk as read_nk,
)
from .optics.materials import (
    Cauchy as Cauchy,
    Constant as Constant,
    Material as Material,
    Sellmeier as Sellmeier,
    Table as Table,
)
from .optics.model import ThinFilm as ThinFilm
from .optics.model_file import (
    model_text as model_text,
    read_model as read_model,
)
from .optics.period import Period as Period
from .plates.measuring.plate import read_plate as read_plate
from .plates.measuring.profiles import (
    profile_plate as profile_plate,
    read_profiles as read_profiles,
    save_profiles as save_profiles,
)
from .plates.statistics.answers import answers as answers
from .plates.statistics.embedding import embed as embed
from .plates.statistics.evaluation import evaluate as evaluate
from .readers import (
    list_datasets as list_datasets,
    open_stack as open_stack,
)
from .readers.spectra import open_spectra as open_spectra
from .regions.areas import (
    Area as Area,
    areas_of as areas_of,
)
from .regions.geojson import geojson_bytes as geojson_bytes
from .regions.imagej import roi_set_bytes as roi_set_bytes
from .regions.label_file import read_label_image as read_label_image
from .samples import (
    sample_cells as sample_cells,
    sample_ep4 as sample_ep4,
    sample_plate as sample_plate,
    sample_sensors as sample_sensors,
)
from .sensors.analysis.anomalies import find_anomalies as find_anomalies
from .sensors.analysis.before_after import before_after as before_after
from .sensors.analysis.forecast import forecast as forecast
from .sensors.conditions import acquisition_conditions as acquisition_conditions
from .sensors.events import (
    Event as Event,
    read_events as read_events,
)
from .sensors.report_page import log_report as log_report
from .sensors.stability import stability_of as stability_of
from .sensors.store.filters import SensorFilters as SensorFilters
from .sensors.store.logs import open_log as open_log
from .spectra.files import export_spectra_fit as export_spectra_fit
from .spectra.fit import fit_spectra as fit_spectra
from .writers.images import export_image as export_image
