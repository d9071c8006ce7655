"""Blocks are recorded once and played for their twins: the tape must be the one that recording every block gives."""

import inspect
from collections.abc import Callable

import pytest
import torch
from reference_nets import timm_net, torchvision_net
from torch import Tensor, nn

from receptron import zoo
from receptron.analysis.recording import module_calls, record, repeats, twins
from receptron.analysis.tape import Tape
from receptron.blocks.drop import DropPath

SIZE = (4, 16, 16)
OUTER = torch.ones(4, 1, 1)
KEPT: list[Tensor] = []


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Class names of the blocks for which a record was played; no block is left out because its layers need not run."""
    names: list[str] = []
    monkeypatch.setattr(repeats, "LAYERS", {})
    play = repeats.Repeats._play

    def counting(self: repeats.Repeats, record: object, block: twins.Block, outside: list[int]) -> Tensor:
        names.append(type(block.members[0]).__name__)
        return play(self, record, block, outside)

    monkeypatch.setattr(repeats.Repeats, "_play", counting)
    return names


def in_full(net: nn.Module, size: tuple[int, ...] = SIZE) -> Tape:
    """The tape for which every block and every layer ran."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repeats.Repeats, "knows", lambda self, module: False)
        patch.setattr(module_calls, "LAYERS", {})
        return record(net, size)


class Block(nn.Module):
    """Five modules, as the smallest block that is compared; `act` is what the special ones below change."""

    def __init__(self, **settings: int):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding="same", **settings)
        self.norm, self.relu, self.last = nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Conv2d(4, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.act(x, self.last(self.relu(self.norm(self.conv(x)))))

    def act(self, x: Tensor, y: Tensor) -> Tensor:
        return x + y


class Counting(Block):
    count = 0

    def act(self, x: Tensor, y: Tensor) -> Tensor:
        self.count += 1
        return x + y * self.count


class Changed(Block):
    side = 0

    def act(self, x: Tensor, y: Tensor) -> Tensor:
        return x + y.reshape(1, 4, self.side, -1).mean((2, 3), keepdim=True)


class Overwriting(Block):
    def act(self, x: Tensor, y: Tensor) -> Tensor:
        return x.add_(y)


class Buffered(Block):
    def __init__(self):
        super().__init__()
        self.register_buffer("seen", torch.zeros(4, 1, 1))

    def act(self, x: Tensor, y: Tensor) -> Tensor:
        self.seen += 1
        return x + y * self.seen


class Outer(Block):
    def act(self, x: Tensor, y: Tensor) -> Tensor:
        return x + y * OUTER


class Keeping(Block):
    def act(self, x: Tensor, y: Tensor) -> Tensor:
        KEPT.append(y)
        return x + y


class Listing(Block):
    def __init__(self):
        super().__init__()
        self.steps = [1]

    def act(self, x: Tensor, y: Tensor) -> Tensor:
        self.steps.append(len(self.steps))
        return x + y * len(self.steps)


class Nesting(Block):
    def __init__(self):
        super().__init__()
        self.steps = [[1]]

    def act(self, x: Tensor, y: Tensor) -> Tensor:
        return x + y * len(self.steps[0])


class Giving(Block):
    def act(self, x: Tensor, y: Tensor) -> Tensor:
        return x


class Pairing(Block):
    def act(self, x: Tensor, y: Tensor) -> Tensor:
        return y.expand(2, -1, -1, -1)[:1]


class Borrowing(Block):
    def __init__(self, lender: list[nn.Module]):
        super().__init__()
        self.lender = lender

    def act(self, x: Tensor, y: Tensor) -> Tensor:
        return x + self.lender[0](y)


class Replacing(Block):
    def act(self, x: Tensor, y: Tensor) -> Tensor:
        self.last.weight = nn.Parameter(self.last.weight * 2)
        return x + y


class Parent(nn.Module):
    def __init__(self, *blocks: nn.Module, between: Callable[[nn.Module, int, Tensor], Tensor] | None = None):
        super().__init__()
        self.blocks, self.between = nn.ModuleList(blocks), between

    def forward(self, x: Tensor) -> Tensor:
        for i, block in enumerate(self.blocks):
            x = block(self.between(block, i, x) if self.between else x)
        return x


def four(make: Callable[[], nn.Module], between: Callable[[nn.Module, int, Tensor], Tensor] | None = None) -> nn.Module:
    return Parent(*(make() for _ in range(4)), between=between)


def with_sides(block: nn.Module, i: int, x: Tensor) -> Tensor:
    block.side = (4, 4, 8, 8)[i]
    return x


def with_steps(block: nn.Module, i: int, x: Tensor) -> Tensor:
    block.steps[0][:] = [1] * (i + 1)
    return x


def shared_weight() -> nn.Module:
    net = four(Block)
    for block in net.blocks[1:]:
        block.last.weight = net.blocks[0].last.weight
    return net


def shared_inside(*which: bool) -> nn.Module:
    net = Parent(*(Block() for _ in which))
    for block, shares in zip(net.blocks, which, strict=True):
        block.last.bias = block.conv.bias if shares else block.last.bias
    return net


def hooked() -> nn.Module:
    net = four(Block)
    net.blocks[2].conv.register_forward_hook(lambda _, args, out: out * 2)
    return net


def borrowing() -> nn.Module:
    lender = nn.Conv2d(4, 4, 1)
    net = four(lambda: Borrowing([lender]))
    net.lender = lender
    return net


def dropping() -> nn.Module:
    net = four(Block)
    for i, block in enumerate(net.blocks):
        block.relu = nn.Sequential(block.relu, DropPath(0.1 * i), nn.Dropout(0.1 * i))
    return net


TOLD_APART = {
    "a counter": lambda: four(Counting),
    "its input overwritten": lambda: four(Overwriting),
    "a buffer written to": lambda: four(Buffered),
    "a tensor from elsewhere": lambda: four(Outer),
    "an activation kept elsewhere": lambda: four(Keeping),
    "a list that grows": lambda: four(Listing),
    "a list in a list that grows": lambda: four(Nesting, with_steps),
    "its input given back": lambda: four(Giving),
    "a parameter replaced": lambda: four(Replacing),
    "a module from elsewhere": borrowing,
    "other strides of dilation": lambda: Parent(*(Block(dilation=d) for d in (1, 2, 3))),
    "a tensor shared inside one": lambda: shared_inside(True, False),
    "inputs of other shapes": lambda: Parent(Block(), Block(), between=lambda _, i, x: x[..., : 16 - 4 * i]),
    "one that trains": lambda: Parent(Block(), Block()),
}


@pytest.mark.parametrize("make", TOLD_APART.values(), ids=TOLD_APART)
def test_blocks_that_are_no_twins_are_recorded_each(make: Callable[[], nn.Module], played: list[str]):
    KEPT.clear()
    net = make()
    if make is TOLD_APART["one that trains"]:
        net.blocks[1].train = lambda mode=True: net.blocks[1]
    in_full(net)  # the first use of an operator leaves some of torch's own objects behind
    whole = in_full(net)
    KEPT.clear()
    assert record(net, SIZE) == whole
    assert played == []


TWINS = {
    "blocks": (lambda: four(Block), 3),
    "an attribute that the parent changes for every second": (lambda: four(Changed, with_sides), 2),
    "a weight that all share": (shared_weight, 3),
    "a hook on one": (hooked, 2),
    "rates that only training reads": (dropping, 3),
    "an input that is a slice": (lambda: four(Block, lambda _, i, x: x[:, :, 1:, 1:].contiguous() if i == 2 else x), 2),
    "an output that is a slice": (lambda: four(Pairing), 2),
}


@pytest.mark.parametrize(("make", "times"), TWINS.values(), ids=TWINS)
def test_a_record_is_played_for_twins_and_the_tape_is_the_same(make: Callable[[], nn.Module], times: int, played: list[str]):
    net = make()
    assert record(net, SIZE) == in_full(net)
    assert len(played) == times


def test_an_in_place_call_after_a_played_block_is_seen(played: list[str]):
    def doubled(_: nn.Module, i: int, x: Tensor) -> Tensor:
        return x.mul_(2) if i else x

    net = four(Block, doubled)
    assert record(net, SIZE) == in_full(net)
    assert played == ["Block"] * 3


def test_comparing_less_would_give_another_tape(played: list[str], monkeypatch: pytest.MonkeyPatch):
    net = TOLD_APART["other strides of dilation"]()
    monkeypatch.setattr(twins, "_told", lambda module, own: tuple(own["_parameters"]))
    assert record(net, SIZE) != in_full(net)
    assert played


def test_the_network_is_left_as_it_was():
    net = four(Block)
    record(net, SIZE)
    assert all("forward" not in vars(module) for module in net.modules())


def test_a_network_may_ask_for_the_signature_of_its_blocks(played: list[str]):
    def asking(block: nn.Module, _: int, x: Tensor) -> Tensor:
        return x if list(inspect.signature(block.forward).parameters) == ["x"] else x[..., :1]

    net = four(Block, asking)
    assert record(net, SIZE) == in_full(net)
    assert len(played) == 3


def test_hooks_on_every_module_see_every_module():
    seen: list[str] = []
    net = four(Block)
    handle = nn.modules.module.register_module_forward_hook(lambda module, args, out: seen.append(type(module).__name__))
    try:
        record(net, SIZE)
    finally:
        handle.remove()
    assert seen.count("Conv2d") == 8


@pytest.mark.parametrize(
    "name", ["resnet50", "efficientnet_b0", "convnext_tiny", "vit_b_16", "swin_t", "densenet121", "mobilenet_v3_large"]
)
def test_torchvisions_tapes_are_the_same(name: str):
    net = torchvision_net(name, 224)
    assert record(net, (3, 224, 224)) == in_full(net, (3, 224, 224))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["levit_128s", "resnetv2_50", "convnextv2_atto", "tiny_vit_5m_224", "hrnet_w18_small", "mixer_s32_224"])
def test_timms_tapes_are_the_same(name: str):
    net = timm_net(name)
    assert record(net, net.default_cfg["input_size"]) == in_full(net, net.default_cfg["input_size"])


@pytest.mark.campaign
@pytest.mark.parametrize("name", zoo.ZOO)
def test_every_net_of_the_zoo_gives_the_same_tape(name: str):
    with torch.device("meta"):
        net = zoo.build(name)
    size = (zoo.ZOO[name].channels, zoo.ZOO[name].pixels, zoo.ZOO[name].pixels)
    assert record(net, size) == in_full(net, size)
