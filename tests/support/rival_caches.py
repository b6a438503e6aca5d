"""Stand-ins for caches and forecasters of other packs: each skips blocks on some steps, in a way that packs have.

They work on FLUX and Wan. Nothing is skipped before step `start`; from there every second step is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import torch
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from torch import Tensor, nn

Streams = dict[str, Tensor]


@dataclass
class Rival:
    """A cache's clock and memory. extrapolates: a change goes on along its last difference instead of resting."""

    start: int = 2
    extrapolates: bool = False
    step: int = -1
    sigma: float = float("inf")
    changes: dict[object, list[Streams]] = field(default_factory=dict)

    def rests(self, options: Mapping) -> bool:
        """Whether the cache skips this step; sigma is its clock, and a higher one begins a run."""
        sigma = float(options["sigmas"][0])
        if sigma > self.sigma:
            self.step = -1
            self.changes.clear()
        self.step, self.sigma = self.step + (sigma != self.sigma), sigma
        return self.step >= self.start and (self.step - self.start) % 2 == 0

    def run(self, key: object, options: Mapping, before: Streams, compute: Callable[[], Streams]) -> Streams:
        """What a block makes of its streams: computed and kept, or guessed."""
        mine = (key, *options["cond_or_uncond"])
        if self.rests(options) and mine in self.changes:
            return {name: before[name] + change for name, change in self._guess(mine).items()}
        before = {name: stream.clone() for name, stream in before.items()}  # blocks change theirs in place
        after = compute()
        self.changes.setdefault(mine, []).insert(0, {name: after[name] - before[name] for name in after})
        return after

    def _guess(self, mine: object) -> Streams:
        newest, *older = self.changes[mine]
        if not (self.extrapolates and older):
            return newest
        return {name: 2 * change - older[0][name] for name, change in newest.items()}


def streams_of(args: Mapping) -> Streams:
    """The streams among what a block is given."""
    return {name: args[name] for name in ("img", "txt") if name in args}


def keyed_blocks(model: nn.Module) -> dict[tuple[str, int], nn.Module]:
    """All blocks with their keys in `patches_replace["dit"]`."""
    kinds = {"double_block": getattr(model, "double_blocks", None) or model.blocks,
             "single_block": getattr(model, "single_blocks", [])}
    return {(kind, i): block for kind, blocks in kinds.items() for i, block in enumerate(blocks)}


def block_patches(rival: Rival, model: nn.Module) -> dict[tuple[str, int], Callable]:
    """One function for each block, as `patches_replace` wants it."""

    def of(key: tuple[str, int]) -> Callable[[dict, dict], dict]:
        def cached_block(args: dict, extra: dict) -> dict:
            return rival.run(key, args["transformer_options"], streams_of(args), lambda: extra["original_block"](args))

        return cached_block

    return {key: of(key) for key in keyed_blocks(model)}


def by_patches(model: ModelPatcher, **kind: object) -> ModelPatcher:
    """A node that replaces every block, as nodes may do."""
    model = model.clone()
    for key, patch in block_patches(Rival(**kind), model.model.diffusion_model).items():
        model.set_model_patch_replace(patch, "dit", *key)
    return model


def all_at_once(model: ModelPatcher, **kind: object) -> ModelPatcher:
    """A node whose last block gives the change of all, while the others hand their streams on."""
    model, rival = model.clone(), Rival(**kind)
    keys, entered = list(keyed_blocks(model.model.diffusion_model)), {}

    def of(key: tuple[str, int]) -> Callable[[dict, dict], dict]:
        def cached_model(args: dict, extra: dict) -> dict:
            if rival.rests(args["transformer_options"]):
                return dict(streams_of(args)) if key != keys[-1] else {"img": args["img"] + rival.changes["img"]}
            if key == keys[0]:
                entered.update(streams_of(args), img=args["img"].clone())
            made = extra["original_block"](args)
            if key == keys[-1]:
                whole = made["img"]
                if "txt" in entered and whole.shape != entered["img"].shape:  # FLUX's single blocks hold both
                    whole = whole[:, entered["txt"].shape[1] :]
                change = whole - entered["img"]
                rival.changes["img"] = change if whole is made["img"] else nn.functional.pad(
                    change, (0, 0, entered["txt"].shape[1], 0))
            return made

        return cached_model

    for key in keys:
        model.set_model_patch_replace(of(key), "dit", *key)
    return model


def cached_forward(rival: Rival, key: object, block: nn.Module) -> Callable[..., object]:
    """A block's forward from then on: it gives a guess on some steps."""
    original = block.forward

    def forward(*args: Tensor, **options: object) -> object:
        given = {"img": args[0], **options} if args else options
        double = "txt" in given

        def compute() -> Streams:
            made = original(*args, **options)
            return dict(zip(("img", "txt"), made, strict=True)) if double else {"img": made}

        made = rival.run(key, given["transformer_options"], streams_of(given), compute)
        return tuple(made.values()) if double else made["img"]

    return forward


def by_forward(model: ModelPatcher, **kind: object) -> ModelPatcher:
    """A node that sets another `forward` on each block of the model that it is given."""
    rival = Rival(**kind)
    for key, block in keyed_blocks(model.model.diffusion_model).items():
        block.forward = cached_forward(rival, key, block)
    return model


@contextmanager
def swapped(blocks: dict[object, nn.Module], rival: Rival) -> Iterator[None]:
    """All blocks but the first have a cached forward for a while."""
    rest = list(blocks.items())[1:]
    before = [vars(block).copy() for _, block in rest]
    for key, block in rest:
        block.forward = cached_forward(rival, key, block)
    try:
        yield
    finally:
        for (_, block), attributes in zip(rest, before, strict=True):
            del block.forward
            vars(block).update(attributes)


def first_block_cache(model: ModelPatcher, **kind: object) -> ModelPatcher:
    """A node that hooks the model's own forward: block 0 always runs, the others rest on some steps."""
    flux, rival = model.model.diffusion_model, Rival(**kind)
    original, blocks = flux.forward, keyed_blocks(flux)

    def forward_with_cache(*args: object, **options: object) -> Tensor:
        with swapped(blocks, rival):
            return original(*args, **options)

    flux.forward = forward_with_cache
    return model


def whole_model_cache(model: ModelPatcher, **kind: object) -> ModelPatcher:
    """A node that hooks the model's own forward, and on some steps runs nothing of it."""
    flux, rival = model.model.diffusion_model, Rival(**kind)
    original = flux.forward

    def forward_or_cache(x: Tensor, *args: object, transformer_options: dict, **options: object) -> Tensor:
        def compute() -> Streams:
            return {"img": original(x, *args, transformer_options=transformer_options, **options)}

        return rival.run("model", transformer_options, {"img": x}, compute)["img"]

    flux.forward = forward_or_cache
    return model


def around_the_call(model: ModelPatcher, **kind: object) -> ModelPatcher:
    """A node with a function around ComfyUI's call, which puts its block patches in for that call only."""
    model, patches = model.clone(), block_patches(Rival(**kind), model.model.diffusion_model)

    def wrapper(apply: Callable[..., Tensor], args: dict) -> Tensor:
        options = {**args["c"]["transformer_options"], "patches_replace": {"dit": patches}}
        return apply(args["input"], args["timestep"], **{**args["c"], "transformer_options": options})

    model.set_model_unet_function_wrapper(wrapper)
    return model


def for_the_call(model: ModelPatcher, **kind: object) -> ModelPatcher:
    """A node with a function around ComfyUI's call, which makes no call on some steps."""
    model, rival = model.clone(), Rival(**kind)

    def wrapper(apply: Callable[..., Tensor], args: dict) -> Tensor:
        return rival.run("call", args["c"]["transformer_options"], {"img": args["input"]},
                         lambda: {"img": apply(args["input"], args["timestep"], **args["c"])})["img"]

    model.set_model_unet_function_wrapper(wrapper)
    return model


def for_the_evaluation(model: ModelPatcher, **kind: object) -> ModelPatcher:
    """A node with a wrapper of ComfyUI's own kind around the guider's evaluation, which it answers on some steps."""
    model, rival = model.clone(), Rival(**kind)

    def wrapper(executor: Callable[..., Tensor], x: Tensor, sigma: Tensor, *args: object, **options: object) -> Tensor:
        clock = {"sigmas": sigma, "cond_or_uncond": ()}
        return rival.run("evaluation", clock, {"img": x}, lambda: {"img": executor(x, sigma, *args, **options)})["img"]

    model.add_wrapper_with_key(WrappersMP.PREDICT_NOISE, "rival", wrapper)
    return model


def inside_the_call(model: ModelPatcher, **kind: object) -> ModelPatcher:
    """A node with a wrapper of ComfyUI's own kind around the model's forward: inside of all that TAP does."""
    model, rival, blocks = model.clone(), Rival(**kind), keyed_blocks(model.model.diffusion_model)

    def wrapper(executor: Callable[..., Tensor], *args: object, **options: object) -> Tensor:
        with swapped(blocks, rival):
            return executor(*args, **options)

    model.add_wrapper_with_key(WrappersMP.DIFFUSION_MODEL, "rival", wrapper)
    return model


class AllBlocks(nn.Module):
    """All blocks of a model as one: the first runs, and on some steps what is kept stands for the others."""

    def __init__(self, model: nn.Module, rival: Rival) -> None:
        super().__init__()
        self.rival, self.blocks = rival, nn.ModuleList(keyed_blocks(model).values())

    def forward(self, *args: Tensor, **options: object) -> object:
        """As the first block is called."""
        first, *others = self.blocks
        made = first(*args, **options)
        img, *txt = made if isinstance(made, tuple) else [made]
        options = {name: value for name, value in options.items() if name not in ("img", "txt")}

        def compute() -> Streams:
            stream, words = img, [*txt]
            for block in others:
                if isinstance(block, type(first)):
                    stream = block(stream, *words, **options)
                    stream, *words = stream if isinstance(stream, tuple) else [stream]
                else:  # FLUX's single blocks hold both
                    stream, words = block(torch.cat([*words, stream], 1), **options), []
            return {"img": stream[:, -img.shape[1] :].clone()}

        stream = self.rival.run("all", options["transformer_options"], {"img": img}, compute)["img"]
        return (stream, *txt) if txt else stream


def in_other_lists(model: ModelPatcher, **kind: object) -> ModelPatcher:
    """A node that, around ComfyUI's call, puts one module in place of all blocks."""
    model, net = model.clone(), model.model.diffusion_model
    names = [name for name in ("double_blocks", "single_blocks", "blocks") if hasattr(net, name)]
    lists = [nn.ModuleList([AllBlocks(net, Rival(**kind))]), nn.ModuleList()]

    def wrapper(apply: Callable[..., Tensor], args: dict) -> Tensor:
        before = [getattr(net, name) for name in names]
        try:
            for name, blocks in zip(names, lists, strict=False):
                setattr(net, name, blocks)
            return apply(args["input"], args["timestep"], **args["c"])
        finally:
            for name, blocks in zip(names, before, strict=True):
                setattr(net, name, blocks)

    model.set_model_unet_function_wrapper(wrapper)
    return model


RIVALS: dict[str, Callable[..., ModelPatcher]] = {
    "replaces blocks": by_patches,
    "extrapolates blocks": partial(by_patches, extrapolates=True),
    "replaces all blocks at once": all_at_once,
    "replaces the forward of blocks": by_forward,
    "runs the first block only": first_block_cache,
    "puts one module in place of all blocks": in_other_lists,
    "hooks the model's forward": whole_model_cache,
    "wraps the model's call": around_the_call,
    "answers in place of the model's call": for_the_call,
    "answers in place of the guider": for_the_evaluation,
    "wraps the model's forward": inside_the_call,
}
# Those that leave nothing on a model which other samplings share.
LEAVE_NOTHING = ("replaces blocks", "extrapolates blocks", "puts one module in place of all blocks",
                 "wraps the model's call", "answers in place of the model's call", "answers in place of the guider",
                 "wraps the model's forward")
