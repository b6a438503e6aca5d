"""Watches every operator of a run on a card that is not there: waits, copies between devices, operators, bytes, FLOPs.

FakeTensorMode knows shapes, types and devices of tensors, and no values. Small values, such as sigmas, are carried
along on the processor, so that samplers can read them. What else is read is guessed.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes
from torch.utils._pytree import tree_leaves, tree_map
from torch.utils.flop_counter import flop_registry

from figures.places import ROOT
from rehearse.pinned import goes_on, is_pinned, leaves_alone, pin

CPU = torch.device("cpu")
# Values of a tensor that are carried along.
FEW = 128
# Operators that read a value, which makes Python wait for the device.
READS = ("_local_scalar_dense", "equal", "nonzero", "is_nonzero", "masked_select", "unique_dim", "_unique2")
# Operators that take no value of their argument, its type and device alone.
LIKE_ANOTHER = ("new_ones", "new_zeros", "new_full")
# What is not known is taken for all right: what is compared passes, and drift and other distances are small.
GUESSES = {"eq": True, "le": True, "lt": True, "gt": False, "ge": False, "ne": False}
SMALL = 1e-12
# Operators that hand on what they are given, guesses too.
HAND_ON = frozenset((
    "cat", "stack", "view", "_unsafe_view", "reshape", "_to_copy", "clone", "detach", "alias", "lift_fresh", "select",
    "slice", "split", "split_with_sizes", "unbind", "unsqueeze", "squeeze", "expand", "copy_", "t", "permute",
    "transpose", "bitwise_or", "bitwise_and", "logical_or", "logical_and",
))  # fmt: skip
# A mask of tokens, as of a mixture of experts, chooses one of so many.
EXPERTS = 4
HERE = str(Path(__file__).parent)
# Copies are named by who asks for them.
COPYING = "/predictors/on_processor.py"
OURS = tuple(str(ROOT / room) for room in ("nodes", "tap_core"))


@dataclass
class Step:
    """One model evaluation. operators, ours: launched, and those of TAP among them.

    waits: where TAP waits for the device; others_wait: where ComfyUI does; copies: where, from which device to which.
    early: where the processor reads pinned memory, which the card may not have written yet. doubles: where TAP makes
    float64 on the card; others_doubles: where ComfyUI does. work: FLOPs and bytes of each operator. peak: most bytes
    that are held.
    """

    operators: int = 0
    ours: int = 0
    waits: list[str] = field(default_factory=list)
    others_wait: list[str] = field(default_factory=list)
    copies: list[str] = field(default_factory=list)
    early: list[str] = field(default_factory=list)
    doubles: list[str] = field(default_factory=list)
    others_doubles: list[str] = field(default_factory=list)
    work: list[tuple[float, float]] = field(default_factory=list)
    peak: int = 0


class Watch(TorchDispatchMode):
    """Enter it inside a FakeTensorMode. step: what is being watched; set a new one to watch the next evaluation."""

    def __init__(self) -> None:
        super().__init__()
        self.step = Step()
        self.held, self._looks = 0, {}  # bytes, and how many tensors look at each storage
        self._whole: set[Callable] = set()  # operators that are not made of others

    def __torch_dispatch__(self, operator: Callable, types: tuple, args: tuple = (), kwargs: dict | None = None
                           ) -> object:
        """Run the operator on fakes, and on the values that are carried along; count it."""
        kwargs = kwargs or {}
        name = operator.__name__.partition(".")[0]
        given = tensors_in(args, kwargs)
        if name in READS:
            return self._read(operator, name, args, given)
        if name == "scaled_dot_product_attention":
            return self._attend(*args[:3])
        if operator is torch.ops.prim.device.default:  # Python asks where a tensor is
            return operator(*args, **kwargs)
        if name not in LIKE_ANOTHER and operator not in self._whole:
            with self:  # inference mode hides what an operator is made of
                parts = operator.decompose(*args, **kwargs)
            if parts is not NotImplemented:
                return parts
            self._whole.add(operator)
        if name in ("index", "index_put_"):
            args = (args[0], [self._rows(index) for index in args[1]], *args[2:])
        result = operator(*args, **kwargs)
        made = tensors_in(result)
        if name.startswith(LIKE_ANOTHER):
            with _disable_current_modes():
                given, args = [], (torch.empty(0, dtype=args[0].dtype), *args[1:])
        if made and all(map(_is_small, made)):
            _carry(operator, name, args, kwargs, result)
        self._count(operator, name, args, kwargs, given, made)
        return result

    def _attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Attention in one kernel, as a card has it. query: [B, H, N, D], key, value: [B, H', M, D]."""
        result = query.new_empty(*query.shape[:-1], value.shape[-1])
        self.step.operators += 1
        flops = 2 * query.numel() * key.shape[-2] + 2 * result.numel() * key.shape[-2]
        self.step.work.append((flops, sum(map(_nbytes, (query, key, value, result)))))
        self._hold([result])
        return result

    def _rows(self, index: Tensor | None) -> Tensor | None:
        """In place of a mask the rows that it chooses; their number has to be read from the device."""
        if index is None or index.dtype != torch.bool:
            return index
        self._wait()
        return index.new_zeros(index.numel() // EXPERTS, dtype=torch.int64)

    def _read(self, operator: Callable, name: str, args: tuple, given: list[Tensor]) -> object:
        if any(each.device.type != "cpu" for each in given):
            self._wait()
        known = [value_of(each) for each in given]
        if all(each is not None for each in known):
            with _disable_current_modes():
                return operator(*tree_map(_known, args))
        if name in ("_local_scalar_dense", "equal", "is_nonzero"):
            return True
        raise NotImplementedError(f"{operator} at {site()} reads values that are not known.")

    def _count(self, operator: Callable, name: str, args: tuple, kwargs: dict, given: list[Tensor], made: list[Tensor]
               ) -> None:
        step, devices = self.step, {each.device.type for each in (*given, *made)}
        if kwargs.get("pin_memory"):
            pin(made[0])
        between = name in ("_to_copy", "copy_") and len(devices) > 1
        if between:
            step.copies.append(f"{given[-1].device.type} -> {made[0].device.type}: {site()}")
            if not goes_on(given[-1], made[0], kwargs.get("non_blocking") or args[2:3] == (True,)):
                self._wait()
        if any(map(is_pinned, given)) and not (name.startswith("empty") or leaves_alone(between, given, made)):
            step.early.append(site())
        if devices <= {"cpu"}:
            return
        if any(each.dtype == torch.float64 and each.device.type != "cpu" for each in made):
            (step.doubles if is_ours() else step.others_doubles).append(site())
        self._hold(made)
        if not _launches(operator, name, given, made):
            return
        step.operators += 1
        step.ours += is_ours()
        counted = flop_registry.get(operator._overloadpacket)
        flops = counted(*args, **kwargs, out_val=made[0] if len(made) == 1 else tuple(made)) if counted else 0
        step.work.append((flops, sum(map(_nbytes, {id(each): each for each in (*given, *made)}.values()))))

    def _wait(self) -> None:
        (self.step.waits if is_ours() else self.step.others_wait).append(site())

    def _hold(self, made: list[Tensor]) -> None:
        """Follow what was made on the card until the last tensor that looks at it is gone."""
        for each in made:
            if each.device.type == "cpu" or hasattr(each, "followed"):
                continue
            storage = each.untyped_storage()
            name, each.followed = storage._cdata, True
            self.held += 0 if name in self._looks else storage.nbytes()
            self._looks[name] = self._looks.get(name, 0) + 1
            weakref.finalize(each, self._leave, name, storage.nbytes()).atexit = False
        self.step.peak = max(self.step.peak, self.held)

    def _leave(self, name: int, nbytes: int) -> None:
        self._looks[name] -= 1
        if not self._looks[name]:
            del self._looks[name]
            self.held -= nbytes


def _launches(operator: Callable, name: str, given: list[Tensor], made: list[Tensor]) -> bool:
    """Whether it makes or changes values; views and empty tensors are not launched."""
    storages = {id(each.untyped_storage()) for each in given}
    is_view = bool(made) and all(id(each.untyped_storage()) in storages for each in made)
    return operator._schema.is_mutable or not (is_view or name.startswith(("empty", "new_empty")))


def value_of(tensor: Tensor) -> Tensor | None:
    """The values of a small tensor that are carried along; None if they are not known."""
    if not isinstance(tensor, FakeTensor):
        return tensor
    return tensor.__dict__.get("carried")


def tensors_in(*values: object) -> list[Tensor]:
    """Among what an operator is given or gives, in lists too."""
    found: list[Tensor] = []
    for value in values:
        if isinstance(value, Tensor):
            found.append(value)
        elif isinstance(value, (list, tuple)):
            found += tensors_in(*value)
        elif isinstance(value, dict):
            found += tensors_in(*value.values())
    return found


def _nbytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.dtype.itemsize


def _is_small(tensor: Tensor) -> bool:
    return tensor.numel() <= FEW


def _carry(operator: Callable, name: str, args: tuple, kwargs: dict, result: object) -> None:
    """Compute with what is carried along; what is made from unknown values is guessed."""
    given = tensors_in(args, kwargs)
    guessed = any(value_of(leaf) is None or getattr(leaf, "guessed", False) for leaf in given)
    known = None if guessed and name not in HAND_ON else _computed(operator, args, kwargs)
    for number, fake in enumerate(tree_leaves(result)):
        if isinstance(fake, FakeTensor):
            fake.guessed = guessed or known is None
            fake.carried = _guess(fake, name) if known is None else tree_leaves(known)[number]


def _computed(operator: Callable, args: tuple, kwargs: dict) -> object:
    """None if a value is not known or the processor has no such operator."""
    if any(value_of(leaf) is None for leaf in tensors_in(args, kwargs)):
        return None
    try:
        with _disable_current_modes():
            return operator(*tree_map(_known, args), **tree_map(_known, kwargs))
    except (NotImplementedError, RuntimeError, TypeError):
        return None


def _guess(fake: Tensor, name: str) -> Tensor:
    value = SMALL if fake.is_floating_point() else GUESSES.get(name, True)
    with _disable_current_modes():
        return torch.full(fake.shape, value, dtype=fake.dtype)


def _known(leaf: object) -> object:
    if isinstance(leaf, torch.device):
        return CPU
    return value_of(leaf) if isinstance(leaf, Tensor) else leaf


def is_ours() -> bool:
    """Whether TAP's own code runs the operator, not ComfyUI's that it calls."""
    frame = sys._getframe(2)
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(OURS):
            return True
        if "/comfy/" in file:
            return False
        frame = frame.f_back
    return False


def _frame() -> object:
    """The frame that asked: the innermost one that is neither PyTorch's nor this file's."""
    frame = sys._getframe(1)
    while frame.f_back is not None:
        file = frame.f_code.co_filename
        if "/torch/" not in file and not file.startswith(HERE) and "<" not in file and not file.endswith(COPYING):
            return frame
        frame = frame.f_back
    return frame


def site() -> str:
    """File and function that asked, such as "history.py sound"."""
    frame = _frame()
    return f"{Path(frame.f_code.co_filename).name} {frame.f_code.co_name}"
