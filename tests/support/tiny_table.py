"""All rows of the table."""

from tiny_flux_family import FLUX_ROWS
from tiny_hunyuan_family import HUNYUAN_ROWS
from tiny_qwen_family import QWEN_ROWS
from tiny_wan_family import WAN_ROWS

ALL_ROWS = [*FLUX_ROWS, *QWEN_ROWS, *HUNYUAN_ROWS, *WAN_ROWS]
