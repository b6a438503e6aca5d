"""Chroma: FLUX's blocks, all modulated by one network; Chroma Radiance paints pixels instead of latents."""

from torch import nn

from ..seam.shadow import Method
from .flux import FluxAdapter


class ChromaAdapter(FluxAdapter):
    """`comfy.ldm.chroma.model.Chroma`."""

    name = "Chroma"


class RadianceAdapter(ChromaAdapter):
    """`comfy.ldm.chroma_radiance.model.ChromaRadiance`, without a final layer: a small network paints each patch."""

    name = "Chroma Radiance"
    output_is_picture = True

    def final_layer(self, model: nn.Module) -> Method:
        """`forward_nerf(pixels, img, params)`."""
        return Method(model, "forward_nerf", position=1)
