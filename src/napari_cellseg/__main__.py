"""So that ``python -m napari_cellseg`` is the command line."""

import sys

from napari_cellseg.cli import main

sys.exit(main())
