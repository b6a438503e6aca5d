"""One thread: more threads make such tiny models slower."""

from __future__ import annotations

import torch

torch.set_num_threads(1)
