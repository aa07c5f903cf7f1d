"""Published refractive indices: a copy of the refractiveindex.info database (CC0 1.0), and pages like it.

M. N. Polyanskiy, Sci. Data 11, 94 (2024), doi:10.1038/s41597-023-02898-2.
"""
