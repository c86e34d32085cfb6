"""The fault suite. The short engine's folder is on the path: its entry point is found as the workers find it."""

import sys
from pathlib import Path

SHORT = str(Path(__file__).parent / "short")
if SHORT not in sys.path:
    sys.path.insert(0, SHORT)
