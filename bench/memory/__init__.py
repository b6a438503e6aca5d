"""Memory that TAP holds."""

import torch

from models.pack import load_pack

load_pack(cpu=not torch.cuda.is_available())
