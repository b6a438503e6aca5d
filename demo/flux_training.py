"""Makes ComfyUI's own FLUX class trainable: sizes of the demo model, its first weights, its flow matching loss.

Latents x0 are [B, 16, H, W] of unit variance, their tokens [B, H/2 * W/2, 64]; t is the noise level, 1 is only noise.
"""

import torch
from torch import nn
from torch.nn import functional as F

from .comfy_cpu import use_comfy
from .conditioning import CODE_WIDTH

SIZES = {
    "in_channels": 16,
    "out_channels": 16,
    "vec_in_dim": CODE_WIDTH,
    "context_in_dim": CODE_WIDTH,
    "hidden_size": 256,
    "mlp_ratio": 4.0,
    "num_heads": 2,
    "depth": 1,
    "depth_single_blocks": 5,
    "axes_dim": [16, 56, 56],
    "theta": 10000,
    "patch_size": 2,
    "qkv_bias": True,
    "guidance_embed": False,
    "txt_ids_dims": [],
}
GRID = 16
DROPPED_CODES = 0.1


def new_flux() -> nn.Module:
    """The demo FLUX with its first weights, in float32."""
    use_comfy()
    import comfy.ldm.flux.math
    import comfy.ops
    from comfy.ldm.flux.model import Flux
    from comfy.ldm.modules.attention import attention_pytorch

    comfy.ldm.flux.math.optimized_attention = attention_pytorch  # on a CPU the fastest one that has a gradient

    class TrainingOps(comfy.ops.disable_weight_init):
        """ComfyUI's layers; LayerNorm copies its input, because the blocks then add to it in place."""

        class LayerNorm(comfy.ops.disable_weight_init.LayerNorm):
            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return super().forward(x.clone())

    model = Flux(**SIZES, dtype=torch.float32, operations=TrainingOps)
    first_weights(model)
    return model.train()


@torch.no_grad()
def first_weights(model: nn.Module) -> None:
    """Xavier everywhere; gates and the last layer are zero, so training starts from the identity."""
    for name, value in model.named_parameters():
        if value.ndim == 1:
            value.fill_(1.0) if "norm" in name else value.zero_()
        elif "_mod." in name or "odulation" in name or name.startswith("final_layer"):
            value.zero_()
        elif name.startswith(("txt_in", "vector_in.in_layer")):
            value.normal_(0, 0.4)  # a one-hot code uses only one column
        else:
            nn.init.xavier_uniform_(value)


def to_tokens(x: torch.Tensor) -> torch.Tensor:
    """[B, 16, H, W] -> [B, H/2 * W/2, 64], channels before the place inside a patch, as in FLUX."""
    return F.pixel_unshuffle(x, 2).flatten(2).transpose(1, 2)


def window_places(window: tuple[int, int], batch: int) -> torch.Tensor:
    """A window of rows x columns at a random place in each picture: row and column of its tokens [B, N, 2]."""
    spot = [torch.randint(GRID - side + 1, (batch, 1, 1)) for side in window]
    row, column = (at + torch.arange(side) for at, side in zip(spot, window, strict=True))
    row, column = row.transpose(1, 2).expand(-1, -1, window[1]), column.expand(-1, window[0], -1)
    return torch.stack([row, column], -1).flatten(1, 2)


def noise_levels(count: int) -> torch.Tensor:
    """Noise levels [B]: half logit-normal, where the picture is decided, half uniform, to learn the ends too."""
    middle = torch.sigmoid(torch.randn(count))
    return torch.where(torch.rand(count) < 0.5, middle, torch.rand(count))


def flow_loss(model: nn.Module, x0: torch.Tensor, context: torch.Tensor, window: tuple[int, int]) -> torch.Tensor:
    """Squared error of the velocity noise - x0 at (1 - t) x0 + t noise, in a window of each picture.

    x0 [B, 16, H, W], context [B, T, D].
    """
    places = window_places(window, len(x0))
    x0 = to_tokens(x0).gather(1, (places @ torch.tensor([[GRID], [1]])).expand(-1, -1, 64))
    t, noise = noise_levels(len(x0)), torch.randn_like(x0)
    xt = torch.lerp(x0, noise, t[:, None, None])
    context = context * (torch.rand(len(x0), 1, 1) >= DROPPED_CODES)
    image_ids, text_ids = F.pad(places.float(), (1, 0)), torch.zeros(*context.shape[:2], 3)
    velocity = model.forward_orig(xt, image_ids, context, text_ids, t, context.sum(1))
    return F.mse_loss(velocity.float(), noise - x0)
