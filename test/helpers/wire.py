"""Messages as they travel: through real serialisation."""

from typing import Any

import numpy as np

from sam2_ros.bag import definitions

HEIGHT, WIDTH = 6, 8
PADDINGS = (0, 5)
STORE = definitions.typestore()
TYPES = definitions.message_types()


def kind(name: str) -> Any:
    return STORE.types[name]


HEADER = definitions.header(12_000_000_034, "camera")


def through_the_wire(message: Any) -> Any:
    """What a subscriber gets."""
    name = message.__msgtype__
    return STORE.deserialize_cdr(STORE.serialize_cdr(message, name), name)


def make_image(encoding: str, pixels: np.ndarray, padding: int = 0, **fields: Any) -> Any:
    """Image message of pixels (H, W) or (H, W, C), each row followed by padding bytes of noise."""
    rows = pixels.reshape(pixels.shape[0], pixels.size // max(1, pixels.shape[0]))
    noise = np.full((rows.shape[0], padding), 123, dtype=np.uint8)
    values = {
        "header": HEADER,
        "height": pixels.shape[0],
        "width": pixels.shape[1],
        "encoding": encoding,
        "is_bigendian": 0,
        "step": rows.shape[1] + padding,
        "data": np.concatenate((rows, noise), axis=1).reshape(-1),
    }
    return TYPES.Image(**(values | fields))


def random_pixels(channels: int, width: int = WIDTH) -> np.ndarray:
    shape = (HEIGHT, width) if channels == 1 else (HEIGHT, width, channels)
    return np.random.default_rng(3).integers(0, 256, shape, dtype=np.uint8)
