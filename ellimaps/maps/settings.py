"""Every choice between a folder and its clusters, declared once.

Options of the command line, recipes and controls of the page take from here what a setting is called, what it
means and what it may be; each knows how to show or read the kinds below, and no setting by name. Light on
purpose: the command line shows its options without loading NumPy.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import inf
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, get_args

from ellimaps.core.errors import SettingError

if TYPE_CHECKING:
    from ellimaps.images.preprocessing import Gaps, Roi
    from ellimaps.maps.clustering.features import Features
    from ellimaps.maps.refinement import Refinement
    from ellimaps.maps.regions import Region
    from ellimaps.readers.planes import Axis


@dataclass(frozen=True)
class Kind:
    """What values a setting takes; the default, such as None for "not chosen", is always among them."""

    def check(self, name: str, value: Any) -> None:
        """Raise a `SettingError` where a value of the right type is out of bounds."""

    def normal(self, value: Any) -> Any:
        """Return equal choices in one form: 5 and 5.0 must leave the same provenance."""
        return value


class Text(Kind):
    """A text."""


class Texts(Kind):
    """Several texts."""


class Switch(Kind):
    """On or off."""


class Tables(Kind):
    """Objects that a recipe holds as tables and no option of the command line can give."""


class Plane(Kind):
    """One of several planes by its number from 0, or how to project all of them."""

    def check(self, name: str, value: Any) -> None:
        """Raise a `SettingError` for anything else."""
        if value not in ("max", "mean") and (isinstance(value, str) or value < 0):
            raise SettingError(
                f"{name} must be a plane's number from 0, or one of max, mean, not {value!r:.80}."
            )


@dataclass(frozen=True)
class OneOf(Kind):
    """One of a few words."""

    words: tuple[str, ...]

    def check(self, name: str, value: Any) -> None:
        """Raise a `SettingError` for another word."""
        if value not in self.words:
            raise SettingError(f"{name} must be one of {', '.join(self.words)}, not {value!r:.80}.")


@dataclass(frozen=True)
class Whole(Kind):
    """A whole number; ``high`` is None where the image sets the limit."""

    low: int
    high: int | None = None

    def check(self, name: str, value: Any) -> None:
        """Raise a `SettingError` beyond the bounds."""
        if not self.low <= value <= (inf if self.high is None else self.high):
            bounds = f"of at least {self.low}" if self.high is None else f"from {self.low} to {self.high}"
            raise SettingError(f"{name} must be a whole number {bounds}, not {value!r:.80}.")


class WholeOrAuto(Whole):
    """A whole number, or None for the one that the data suggest."""


@dataclass(frozen=True)
class Number(Kind):
    """A finite number of at least ``low``, or above 0 where ``low`` is 0."""

    low: float = 0.0

    def check(self, name: str, value: Any) -> None:
        """Raise a `SettingError` beyond the bounds."""
        if not self.low <= value < inf or value == 0:
            what = f"number of at least {self.low:g}" if self.low else "positive number"
            raise SettingError(f"{name} must be a {what}, not {value!r:.80}.")

    def normal(self, value: Any) -> Any:
        """Return a whole number as a float."""
        return float(value) if type(value) is int else value


class Percentiles(Kind):
    """Two percentiles, low and high."""

    def check(self, name: str, value: Any) -> None:
        """Raise a `SettingError` unless they ascend within 0..100."""
        if not (len(value) == 2 and 0 <= value[0] < value[1] <= 100):
            raise SettingError(f"{name} must be two percentiles, low and high, of 0..100, not {value!r:.80}.")

    def normal(self, value: Any) -> Any:
        """Return both as floats."""
        return None if value is None else tuple(float(percentile) for percentile in value)


class Window(Kind):
    """Four whole numbers y0 y1 x0 x1 within the image, upper ends excluded."""


@dataclass(frozen=True)
class Control:
    """How the page offers a setting.

    Attributes
    ----------
    label : str
        What the control is called, without the unit.
    switch : str
        Label of the box that turns the setting on, where it is off by default.
    start : optional
        The first value where the setting has no default.
    low, high : optional
        The range worth trying, where it is narrower than what is allowed.
    step : float, optional
        Distance between neighbouring values.
    hint : str
        What the page says in place of the setting's help, where there is room for more.
    """

    label: str = ""
    switch: str = ""
    start: Any = None
    low: float | None = None
    high: float | None = None
    step: float | None = None
    hint: str = ""


@dataclass(frozen=True)
class Setting:
    """What a setting is.

    Attributes
    ----------
    kind : Kind
        Type and bounds.
    help : str
        One sentence about what it does.
    option : str
        Its name on the command line; empty if it has none.
    metavar : str, optional
        What the option's help calls its value.
    unit : str
        Of the value.
    control : Control
        How the page offers it.
    """

    kind: Kind
    help: str
    option: str = ""
    metavar: str | None = None
    unit: str = ""
    control: Control = Control()


@dataclass(frozen=True)
class Opening:
    """What of a path is opened: the arguments of `ellimaps.open_stack`."""

    dataset: Annotated[
        str | None, Setting(Text(), "Which data set, where the folder holds several.", "--dataset")
    ] = None
    z: Annotated[
        "Axis",
        Setting(
            Plane(),
            "Focal plane of a TIFF, from 0, or max or mean of all (default: max).",
            "--z",
            control=Control(
                "Focal plane z", hint="Which focal plane, counted from 0, or how to project all of them."
            ),
        ),
    ] = None
    t: Annotated[
        "Axis",
        Setting(
            Plane(),
            "Time point of a TIFF, from 0, or max or mean of all (default: each a band).",
            "--t",
            control=Control(
                "Time point t", hint="Which time point, counted from 0, or how to project all of them."
            ),
        ),
    ] = None
    channels: Annotated[
        tuple[str, ...],
        Setting(Texts(), "New channel names: NAME or NAME@NM, as DNA@461.", "--channels", "A,B,..."),
    ] = ()


@dataclass(frozen=True)
class Calibration:
    """What the measurement does not tell of itself."""

    pixel_size_um: Annotated[
        float | None,
        Setting(
            Number(),
            "Width of a measured pixel, for positions.",
            "--pixel-size",
            "UM",
            unit="µm",
            control=Control(
                "Pixel width",
                low=0.0,
                high=1000.0,
                step=0.1,
                hint="Of a measured pixel; 0 if not known. "
                "Draws a scale bar and gives exported regions a place.",
            ),
        ),
    ] = None


@dataclass(frozen=True)
class Corrections:
    """Corrections of intensities, none by default: the arguments of `ellimaps.correct_intensities`."""

    background: Annotated[
        float | None,
        Setting(
            Number(1.0),
            "Subtract the background behind objects of up to this radius.",
            "--background",
            "PX",
            unit="px",
            control=Control(
                "Largest object, radius",
                "Subtract background",
                high=1000.0,
                step=5.0,
                hint="Anything wider than that counts as background and vanishes.",
            ),
        ),
    ] = None
    normalise: Annotated[
        tuple[float, float] | None,
        Setting(
            Percentiles(),
            "Scale intensities: these percentiles become 0 and 1.",
            "--normalise",
            "LOW HIGH",
            unit="percentile",
            control=Control(
                switch="Normalise", step=0.1, hint="Two percentiles of every image become 0 and 1."
            ),
        ),
    ] = None
    log: Annotated[
        bool,
        Setting(
            Switch(),
            "Take log(1 + intensity).",
            "--log",
            control=Control(
                switch="Logarithm", hint="log(1 + intensity), for objects of very different brightness."
            ),
        ),
    ] = False


@dataclass(frozen=True)
class Preprocessing:
    """What is done to every image: the arguments of `ellimaps.preprocess`."""

    gaps: Annotated[
        "Gaps",
        Setting(
            OneOf(("fill", "exclude")),
            "Gaps wider than the 9 x 9 kernel: fill, or exclude as no data.",
            "--gaps",
            control=Control(
                "Gaps wider than 9 px",
                hint="Small gaps are filled from their neighbours. In wide gaps, either take the nearest "
                "measured pixel, or leave the pixels out of every cluster.",
            ),
        ),
    ] = "fill"
    despike: Annotated[
        float | None,
        Setting(
            Number(),
            "Take out values this many robust standard deviations off.",
            "--despike",
            unit="robust σ",
            control=Control("Threshold", "Remove spikes", 8.0, 1.0, 50.0, 0.5),
        ),
    ] = None
    smooth: Annotated[
        float | None,
        Setting(
            Number(),
            "Standard deviation of a Gaussian, in pixels.",
            "--smooth",
            unit="px",
            control=Control("Gaussian σ", "Smooth", 1.0, 0.2, 20.0, 0.5),
        ),
    ] = None
    roi: Annotated[
        "Roi | None",
        Setting(
            Window(),
            "Region of interest in pixels, ends excluded.",
            "--roi",
            "Y0 Y1 X0 X1",
            unit="px",
            control=Control(switch="Only a region of interest"),
        ),
    ] = None
    binning: Annotated[
        int,
        Setting(
            Whole(1),
            "Average blocks of this many by this many pixels.",
            "--binning",
            unit="px",
            control=Control("Bin"),
        ),
    ] = 1


@dataclass(frozen=True)
class Clustering:
    """How many clusters, and of what."""

    k: Annotated[
        int | None,
        Setting(
            WholeOrAuto(1, 30),
            "Number of clusters, or auto for the suggested one.",
            "-k",
            control=Control(
                "Clusters k",
                start=5,
                low=2,
                hint="How many clusters to make. The view How many? suggests a number.",
            ),
        ),
    ] = None
    k_min: Annotated[
        int,
        Setting(
            Whole(2, 30),
            "Smallest number of clusters to try.",
            "--k-min",
            control=Control("Range of k", hint="The numbers of clusters to try."),
        ),
    ] = 2
    k_max: Annotated[
        int, Setting(Whole(2, 30), "Largest number of clusters to try, up to 30.", "--k-max")
    ] = 10
    features: Annotated[
        "Features | None",
        Setting(
            OneOf(("raw", "standard", "ncs")),
            "What is clustered: raw, standard or ncs (default: ncs for Delta and Psi).",
            "--features",
            control=Control("Features"),
        ),
    ] = None
    seed: Annotated[
        int,
        Setting(
            Whole(0, 2**32 - 1),
            "Seed of everything random.",
            "--seed",
            control=Control(
                "Seed",
                hint="Seed of the random starts: the same seed gives the same clusters.",
            ),
        ),
    ] = 0


@dataclass(frozen=True)
class Settings(Clustering, Preprocessing, Corrections, Calibration, Opening):
    """Every choice between a folder and its clusters.

    Attributes
    ----------
    dataset : str, optional
        Which data set of the folder.
    z, t : int, "max" or "mean", optional
        Which focal plane and time point of a TIFF, or how to project them; see `ellimaps.open_stack`.
    channels : tuple of str
        New names of a picture's channels, ``NAME`` or ``NAME@NM``; empty for those of the file.
    pixel_size_um : float, optional
        Width of a measured pixel in micrometres, where the measurement does not tell.
    background, normalise, log
        Corrections of intensities, none by default; see `ellimaps.correct_intensities`.
    gaps, despike, smooth, roi, binning
        See `ellimaps.preprocess`.
    k : int, optional
        Number of clusters; None takes the suggested one.
    k_min, k_max : int
        Range of the estimate.
    features : {"raw", "standard", "ncs"}, optional
        See `ellimaps.maps.clustering.features.feature_matrix`.
    seed : int
        Seed of everything random.
    refine : tuple of Merge, Split, Drop or Clean
        Changes by hand after segmenting; see `ellimaps.maps.refinement`.
    names : tuple of str
        What the clusters are called; empty for their numbers.
    regions : tuple of Region
        Regions of interest that go into the export.
    """

    refine: Annotated[tuple["Refinement", ...], Setting(Tables(), "Changes by hand, in order.")] = ()
    names: Annotated[tuple[str, ...], Setting(Texts(), "What the clusters are called.")] = ()
    regions: Annotated[
        tuple["Region", ...], Setting(Tables(), "Regions of interest that go into the export.")
    ] = ()

    def __post_init__(self) -> None:
        for name, setting in DECLARED.items():
            object.__setattr__(self, name, setting.kind.normal(getattr(self, name)))


def names_of(*groups: type) -> tuple[str, ...]:
    """Return the names of the settings in groups such as `Preprocessing`."""
    return tuple(one.name for group in groups for one in fields(group))


def values_of(settings: Settings, group: type) -> dict[str, Any]:
    """Return the values of one group of settings, as arguments of the function it belongs to."""
    return {name: getattr(settings, name) for name in names_of(group)}


DECLARED: Mapping[str, Setting] = MappingProxyType(
    {one.name: get_args(one.type)[1] for one in fields(Settings)}
)
"""Each setting by its name, in the order of a recipe."""
