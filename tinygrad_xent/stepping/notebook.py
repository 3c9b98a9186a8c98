"""A walkthrough in a notebook: a static image beneath a frame in which it can be stepped through.

The image is what remains where frames are taken out: in a notebook that is not trusted, or saved.
"""

from __future__ import annotations

import base64
from html import escape
from typing import Any

from .picture import picture
from .walkthrough import Walkthrough

_HEIGHT = 640  # pixels of the frame


def shown(thing: Any) -> str:
    """HTML for one cell: the frame, sandboxed, over the image."""
    walks = (thing,) if isinstance(thing, Walkthrough) else thing.walks
    images = "".join(map(image, walks))
    frame = (
        f'<iframe sandbox="allow-scripts" title="backpropagation step by step" loading="lazy"'
        f' style="position:absolute;inset:0;width:100%;height:100%;border:0;background:Canvas"'
        f' srcdoc="{escape(thing.html())}"></iframe>'
    )
    return (
        f'<div style="position:relative;min-height:{_HEIGHT}px;max-width:100%;overflow:hidden">'
        f"{images}{frame}</div>"
    )


def image(w: Walkthrough) -> str:
    """The graph with all its values and cotangents as an `<img>` element."""
    data = base64.b64encode(picture(w).encode()).decode()
    label = escape(f"Graph of {w.name}, with values and what arrives on the way back")
    return (f'<img alt="{label}" style="max-width:100%;max-height:{_HEIGHT}px" '
            f'src="data:image/svg+xml;base64,{data}"/>')  # fmt: skip
