"""The formulas of ``refined_toys`` can be imported by the tests beside."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
