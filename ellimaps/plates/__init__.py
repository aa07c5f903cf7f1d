"""Screening plates: fields become profiles, and profiles say which compounds change cells.

>>> from ellimaps import plates
>>> profiles = plates.profile_plate(plates.read_plate(folder, layout))
>>> plates.evaluate(profiles).well_accuracy_1nn
>>> plates.answers(profiles).compounds

`measuring` turns pictures into profiles and knows no statistics; `statistics` turns profiles into answers.
"""

import lazy_loader

# The names are listed in __init__.pyi, as those of the package itself.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
