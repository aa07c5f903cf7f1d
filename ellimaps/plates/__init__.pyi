"""The public names of plates and where they live; `__init__.py` imports each on first use."""

from .exchange.cytomining import write_cytomining as write_cytomining
from .exchange.opening import (
    join_profiles as join_profiles,
    open_profiles as open_profiles,
)
from .measuring.autoencoder import (
    Autoencoder as Autoencoder,
    AutoencoderSettings as AutoencoderSettings,
    load_autoencoder as load_autoencoder,
    save_autoencoder as save_autoencoder,
    train_autoencoder as train_autoencoder,
)
from .measuring.deep_features import deep_profiles as deep_profiles
from .measuring.field import (
    FieldSettings as FieldSettings,
    measure_field as measure_field,
)
from .measuring.layout import read_layout as read_layout
from .measuring.plate import (
    Plate as Plate,
    read_plate as read_plate,
)
from .measuring.profile_sources import profiles_from as profiles_from
from .measuring.profiles import (
    Profiles as Profiles,
    profile_plate as profile_plate,
    read_profiles as read_profiles,
    save_profiles as save_profiles,
)
from .measuring.thumbnails import (
    make_thumbnails as make_thumbnails,
    save_thumbnails as save_thumbnails,
)
from .ome_zarr import export_plate as export_plate
from .outputs import write_answers as write_answers
from .report import plate_report as plate_report
from .statistics.answers import (
    Answers as Answers,
    answers as answers,
    dose_responses as dose_responses,
)
from .statistics.assay_quality import (
    assay_quality as assay_quality,
    quality_table as quality_table,
)
from .statistics.batch_effect import (
    BatchEffect as BatchEffect,
    batch_effect as batch_effect,
)
from .statistics.clusters import cluster as cluster
from .statistics.dose_response import (
    confidence_band as confidence_band,
    fit_dose_response as fit_dose_response,
)
from .statistics.embedding import embed as embed
from .statistics.evaluation import (
    Evaluation as Evaluation,
    evaluate as evaluate,
)
from .statistics.groups import (
    GroupComparison as GroupComparison,
    compare_groups as compare_groups,
)
from .statistics.normalization import (
    Vectors as Vectors,
    scaled as scaled,
    vectors as vectors,
)
from .statistics.plate_quality import (
    PlateQuality as PlateQuality,
    plate_quality as plate_quality,
)
from .statistics.positional_effect import (
    center_plates as center_plates,
    corrected as corrected,
    polish_plates as polish_plates,
    positional_effect as positional_effect,
)
