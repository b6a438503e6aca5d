"""Mochi: double stream blocks on video tokens."""

from comfy.ldm.common_dit import rms_norm
from torch import Tensor, nn
from torch.nn import functional

from ..seam.adapter import Adapter, Entry
from ..seam.blocks import ReplacedBlocks


class MochiAdapter(Adapter):
    """`comfy.ldm.genmo.joint_model.asymm_models_joint.AsymmDiTJoint`."""

    name = "Mochi"
    attention = "attn.qkv_x"  # queries, keys and values of the video stream
    final = "final_layer"  # (x, c)

    def blocks(self, model: nn.Module) -> ReplacedBlocks:
        """One kind."""
        return ReplacedBlocks(double_block=model.blocks)

    def probe(self, block: nn.Module, entry: Entry) -> Tensor:
        """(1 + scale) * RMSNorm(x)."""
        scale = block.mod_x(functional.silu(entry.args["vec"])).chunk(4, dim=1)[0]
        return rms_norm(entry.tokens, eps=1e-6) * (1 + scale.unsqueeze(1))
