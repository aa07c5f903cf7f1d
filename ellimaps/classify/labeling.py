"""Labelling images by hand: the labels given, the way through the images, and undo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from ellimaps.core.errors import SettingError

# The columns of the label lists that came with the first images.
ID_COLUMN = "image_id"
DEFAULT_COLUMN = "is_homogenous"
MOST_CLASSES = 10
"""One for each digit of the keyboard."""

LONGEST_NAME = 60
"""Characters of a class's name that still fit on its button."""

_RESERVED = (ID_COLUMN, "group")

Row = Mapping[str, str]


@dataclass(frozen=True)
class LabelClass:
    """A class: the value that stands in the CSV, and what it is called."""

    value: str
    name: str


DEFAULT_CLASSES = (LabelClass("0", "heterogeneous"), LabelClass("1", "homogeneous"))


@dataclass(frozen=True)
class LabelChange:
    """What undo takes back: the image and the label it had before."""

    position: int
    before: str | None


@dataclass(frozen=True)
class LabelingSession:
    """Images in their order, their labels, and where the user is. Each step returns a new one.

    Attributes
    ----------
    files : tuple of str
        File names of the images; at least one.
    labels : mapping of str to str
        The value of the class of each labelled image, by its file name.
    classes : tuple of LabelClass
        2 to 10.
    column : str
        Name of the label column.
    position : int
        Index of the image shown.
    past : tuple of LabelChange
        The labels given so far, newest last.
    columns : tuple of str
        Further columns of the CSV it was read from.
    rows : mapping of str to Row
        Its rows, by file name.
    other_rows : tuple of Row
        Those of its rows whose image is not among the files.
    doubts : mapping of str to float
        How uncertain a model is of each image, by file name; where there are some, the way to the next image
        leads to the most uncertain one without a label.
    """

    files: tuple[str, ...]
    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    classes: tuple[LabelClass, ...] = DEFAULT_CLASSES
    column: str = DEFAULT_COLUMN
    position: int = 0
    past: tuple[LabelChange, ...] = ()
    columns: tuple[str, ...] = ()
    rows: Mapping[str, Row] = field(default_factory=lambda: MappingProxyType({}))
    other_rows: tuple[Row, ...] = ()
    doubts: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def file(self) -> str:
        """File name of the image shown."""
        return self.files[self.position]

    @property
    def label(self) -> str | None:
        """The label of the image shown, if it has one."""
        return self.labels.get(self.file)

    @property
    def counts(self) -> dict[str, int]:
        """How many images have each class, by its value."""
        return {one.value: sum(label == one.value for label in self.labels.values()) for one in self.classes}

    def name_of(self, value: str | None) -> str:
        """Return what a label is called."""
        return next((one.name for one in self.classes if one.value == value), "no label")

    def labeled(self, value: str) -> LabelingSession:
        """Give the image shown a label and go to the next one, or to the most uncertain one.

        Raises
        ------
        SettingError
            If there is no such class.
        """
        if value not in {one.value for one in self.classes}:
            raise SettingError(f"There is no class {value!r:.80}: add it to the classes first.")
        now = self._changed(value)
        return now.at_unlabeled() if self.doubts else now.stepped(1)

    def cleared(self) -> LabelingSession:
        """Take the label of the image shown away."""
        return self if self.label is None else self._changed(None)

    def undone(self) -> LabelingSession:
        """Take the last change back and show its image; nothing changes where there is none."""
        if not self.past:
            return self
        last = self.past[-1]
        labels = _with(self.labels, self.files[last.position], last.before)
        return replace(self, labels=labels, position=last.position, past=self.past[:-1])

    def stepped(self, steps: int) -> LabelingSession:
        """Go on by some images, or back, but not beyond the ends."""
        return replace(self, position=max(0, min(len(self.files) - 1, self.position + steps)))

    def at_unlabeled(self) -> LabelingSession:
        """Go to the next image without a label, after the last from the start; stay if there is none.

        With doubts it is the most uncertain of them but the one shown.
        """
        count = len(self.files)
        following = ((self.position + step) % count for step in range(1, count + 1))
        free = [place for place in following if self.files[place] not in self.labels]
        # Of equals the first counts, so without doubts the nearest.
        ranked = sorted(free, key=lambda place: -self.doubts.get(self.files[place], 0.0))
        others = [place for place in ranked if place != self.position]
        return replace(self, position=next(iter(others), self.position))

    def with_classes(self, column: str, names: Sequence[str]) -> LabelingSession:
        """Call column and classes something else; more names are more classes, numbered on.

        Raises
        ------
        SettingError
            If a name is empty, too long or there twice, the column's name is taken, there are not 2 to 10
            classes, or one that labels use would go.
        """
        column, names = column.strip(), [name.strip() for name in names]
        if not column or column in (*_RESERVED, *self.columns) or not column.isprintable():
            raise SettingError(f"The label column cannot be called {column!r:.80}: choose another name.")
        if not 2 <= len(names) <= MOST_CLASSES:
            raise SettingError(f"There can be 2 to {MOST_CLASSES} classes, not {len(names)}.")
        if any(not name or len(name) > LONGEST_NAME for name in names) or len(set(names)) < len(names):
            raise SettingError(
                f"Every class needs a name of its own, 1 to {LONGEST_NAME} characters: rename those "
                "that are empty, longer or the same."
            )
        values = [one.value for one in self.classes[: len(names)]]
        free = (str(number) for number in range(2 * MOST_CLASSES) if str(number) not in values)
        values += [next(free) for _ in range(len(names) - len(values))]
        if gone := set(self.labels.values()) - set(values):
            raise SettingError(f"Class {min(gone)} has labelled images: give them another label first.")
        classes = tuple(LabelClass(*pair) for pair in zip(values, names, strict=True))
        return replace(self, column=column, classes=classes)

    def _changed(self, value: str | None) -> LabelingSession:
        step = LabelChange(self.position, self.label)
        return replace(self, labels=_with(self.labels, self.file, value), past=(*self.past, step))


def digit_of(classes: Sequence[LabelClass], number: int) -> str:
    """Return the digit that stands for a class: its value where all values are digits, else its place."""
    digits = all(len(one.value) == 1 and one.value in "0123456789" for one in classes)
    return classes[number].value if digits else str(number)


def _with(labels: Mapping[str, str], file: str, value: str | None) -> Mapping[str, str]:
    rest = {name: label for name, label in labels.items() if name != file}
    return MappingProxyType(rest if value is None else rest | {file: value})
