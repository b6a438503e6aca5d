"""All rows of the table."""

from tiny_fallbacks import FALLBACK_ROWS
from tiny_flux_family import FLUX_ROWS
from tiny_hunyuan_family import HUNYUAN_ROWS
from tiny_image_models import IMAGE_ROWS
from tiny_qwen_family import QWEN_ROWS
from tiny_shape_models import SHAPE_ROWS
from tiny_sound_models import SOUND_ROWS
from tiny_video_models import VIDEO_ROWS
from tiny_wan_family import WAN_ROWS

ALL_ROWS = [
    *FLUX_ROWS, *QWEN_ROWS, *HUNYUAN_ROWS, *WAN_ROWS, *IMAGE_ROWS, *VIDEO_ROWS, *SOUND_ROWS, *SHAPE_ROWS,
    *FALLBACK_ROWS,
]  # fmt: skip

# One model of each kind of seam: two streams and then one; a video; sound beside it; a loop that asks for no
# replacements; a stream whose length changes; a batch whose halves are tied; no blocks, with and without a transformer.
KINDS = frozenset({
    "FLUX.1 dev", "Wan 2.1", "LTX-2, with sound", "Krea 2", "HiDream-O1 references", "SeedVR2", "TripoSplat",
    "Stable Diffusion XL",
})
assert {row.name for row in ALL_ROWS} >= KINDS
