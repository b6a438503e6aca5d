"""One thread: models this tiny only lose by more."""

from __future__ import annotations

import torch

torch.set_num_threads(1)
