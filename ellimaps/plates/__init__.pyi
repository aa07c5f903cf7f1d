"""The public names of plates and where they live; `__init__.py` imports each on first use."""

from .measuring.autoencoder import (
    Autoencoder as Autoencoder,
)
from .measuring.autoencoder import (
    AutoencoderSettings as AutoencoderSettings,
)
from .measuring.autoencoder import (
    load_autoencoder as load_autoencoder,
)
from .measuring.autoencoder import (
    save_autoencoder as save_autoencoder,
)
from .measuring.autoencoder import (
    train_autoencoder as train_autoencoder,
)
from .measuring.deep_features import deep_profiles as deep_profiles
from .measuring.field import (
    FieldSettings as FieldSettings,
)
from .measuring.field import (
    measure_field as measure_field,
)
from .measuring.layout import read_layout as read_layout
from .measuring.plate import (
    Plate as Plate,
)
from .measuring.plate import (
    read_plate as read_plate,
)
from .measuring.profile_sources import profiles_from as profiles_from
from .measuring.profiles import (
    Profiles as Profiles,
)
from .measuring.profiles import (
    profile_plate as profile_plate,
)
from .measuring.profiles import (
    read_profiles as read_profiles,
)
from .measuring.profiles import (
    save_profiles as save_profiles,
)
from .measuring.thumbnails import (
    make_thumbnails as make_thumbnails,
)
from .measuring.thumbnails import (
    save_thumbnails as save_thumbnails,
)
from .outputs import write_answers as write_answers
from .report import plate_report as plate_report
from .statistics.answers import (
    Answers as Answers,
)
from .statistics.answers import (
    answers as answers,
)
from .statistics.answers import (
    dose_responses as dose_responses,
)
from .statistics.clusters import cluster as cluster
from .statistics.dose_response import fit_dose_response as fit_dose_response
from .statistics.embedding import embed as embed
from .statistics.evaluation import (
    Evaluation as Evaluation,
)
from .statistics.evaluation import (
    evaluate as evaluate,
)
from .statistics.normalization import (
    Vectors as Vectors,
)
from .statistics.normalization import (
    scaled as scaled,
)
from .statistics.normalization import (
    vectors as vectors,
)
from .statistics.positional_effect import (
    center_plates as center_plates,
)
from .statistics.positional_effect import (
    corrected as corrected,
)
from .statistics.positional_effect import (
    polish_plates as polish_plates,
)
from .statistics.positional_effect import (
    positional_effect as positional_effect,
)
