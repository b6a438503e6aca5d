"""Seconds of a skipped step over those of a full one."""

import torch

from models.pack import load_pack

load_pack(cpu=not torch.cuda.is_available())
