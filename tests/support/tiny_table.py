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
