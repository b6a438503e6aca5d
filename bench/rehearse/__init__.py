"""A graphics card without a card: full-size models under PyTorch's FakeTensorMode, every operator watched."""

from models.pack import load_pack

load_pack()
