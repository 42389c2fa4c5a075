"""The gallery: every figure of the field from ready-made definitions, beside what was published."""
