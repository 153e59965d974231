"""Try a Qt window with OpenGL and print what was found as JSON.

Run as a process of its own (``python -m napari_cellseg.ui.probe``): Qt without a screen ends the process.
"""

from __future__ import annotations

import json
import sys

import qtpy
from qtpy.QtGui import QOffscreenSurface, QOpenGLContext
from qtpy.QtWidgets import QApplication
from vispy.gloo import gl


def probe() -> dict[str, str]:
    """Open an OpenGL context without a window.

    Returns
    -------
    dict
        Qt binding and version, platform, OpenGL renderer and version.

    Raises
    ------
    RuntimeError
        No OpenGL context could be made.
    """
    application = QApplication(sys.argv[:1])
    surface, context = QOffscreenSurface(), QOpenGLContext()
    surface.create()
    if not context.create() or not context.makeCurrent(surface):
        raise RuntimeError("no OpenGL context could be made")
    found = {
        "binding": f"{qtpy.API_NAME} {qtpy.QT_VERSION}",
        "platform": application.platformName(),
        "renderer": str(gl.glGetParameter(gl.GL_RENDERER)),
        "opengl": str(gl.glGetParameter(gl.GL_VERSION)),
    }
    context.doneCurrent()
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(probe()))
