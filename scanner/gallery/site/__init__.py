"""Static pages of the gallery: their frame, their formulas, and the pages of the catalogue."""
