"""Images of several channels side by side, mixed in the browser."""

from ellimaps.ui.components.image_sheet.image_sheet import (
    Look,
    Sheet,
    SheetChannel,
    SheetImage,
    image_sheet,
)

__all__ = ["Look", "Sheet", "SheetChannel", "SheetImage", "image_sheet"]
