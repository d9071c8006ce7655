"""The graph of a page: everything that flows is drawn, no line crosses a box, no box lies on another, whatever is open."""

import random
from collections import Counter
from collections.abc import Iterator, Set

import pytest
import torch
from drawn_nets import NETS, Line, Rect, blocks, every, on_page, openable
from torch import fx, nn

from oracles import torchvision
from receptron.analysis.form import LayerForm
from receptron.analysis.inspection import examine, inspect
from receptron.report.network.graph.drawing import drawing_of
from receptron.report.network.graph.lettering import fitted, width
from receptron.report.network.graph.nodes import tree_of
from receptron.report.network.graph.opening import LIMIT, opened_at_first
from receptron.report.network.graph.place import Block, placed
from receptron.report.network.graph.record import GraphItem, links_of


def states(whole: Block) -> Iterator[tuple[str, Set[int]]]:
    """Folded, as at first, unfolded, and some of chance."""
    everything = openable(whole)
    yield "folded", {whole.number}
    yield "at first", opened_at_first(whole)
    if sum(1 for _ in every(whole)) < 900:
        yield "unfolded", everything
    for seed in range(3):
        chance = random.Random(seed)
        yield f"chance {seed}", {whole.number, *(n for n in sorted(everything)[:60] if chance.random() < 0.6)}


def segments(line: Line) -> Iterator[Rect]:
    for (ax, ay), (bx, by) in zip(line.corners, line.corners[1:], strict=False):
        yield Rect(min(ax, bx), min(ay, by), max(ax, bx), max(ay, by), line.target)


def meet(a: Rect, b: Rect) -> bool:
    """Whether the insides of two rectangles touch; a line has an inside too."""
    return (
        a.left < max(b.right, b.left + 1)
        and b.left < max(a.right, a.left + 1)
        and a.top < max(b.bottom, b.top + 1)
        and b.top < max(a.bottom, a.top + 1)
    )


def faults(rects: list[Rect], lines: list[Line]) -> list[str]:
    """Boxes on each other, lines through boxes, lines of different values along each other."""
    found = [f"boxes {a} {b}" for i, a in enumerate(rects) for b in rects[i + 1 :] if meet(a, b)]
    rows = sorted(rects, key=lambda r: r.top)
    pieces = [(piece, line) for line in lines for piece in segments(line)]
    for piece, line in pieces:
        inner = Rect(piece.left, piece.top + (piece.left == piece.right), piece.right, piece.bottom - (piece.left == piece.right), -1)
        found += [f"line {line} through {r}" for r in rows if r.top < inner.bottom and inner.top < r.bottom and r.left < inner.right + 1
                  and inner.left < r.right and meet(Rect(r.left + 1, r.top, r.right - 1, r.bottom, 0), inner)]  # fmt: skip
    for along in ("left", "top"):
        found += _piled([p for p in pieces if (p[0].left == p[0].right) == (along == "left")], along)
    return found


def _piled(pieces: list[tuple[Rect, Line]], along: str) -> list[str]:
    tracks: dict[int, list[tuple[int, int, Line]]] = {}
    for piece, line in pieces:
        start, end = (piece.top, piece.bottom) if along == "left" else (piece.left, piece.right)
        tracks.setdefault(getattr(piece, along), []).append((start, end, line))
    return [
        f"{a} along {b}"
        for track in tracks.values()
        for i, (s, e, a) in enumerate(track)
        for t, f, b in track[i + 1 :]
        if min(e, f) - max(s, t) > 2 and a.value != b.value and a.target != b.target
    ]


@pytest.mark.parametrize("name", NETS)
def test_no_line_crosses_a_box_and_nothing_lies_on_anything_whatever_is_open(name: str):
    whole = blocks(name)
    for state, opened in states(whole):
        shown = placed(whole, opened)
        rects, lines = on_page(shown, opened)
        assert faults(rects, lines) == [], state
        assert all(r.left >= 0 and r.right <= shown.width and r.top >= 0 and r.bottom <= shown.height for r in rects)
        assert all(0 <= x <= shown.width and 0 <= y <= shown.height for line in lines for x, y in line.corners)


def test_the_geometry_test_sees_what_it_is_for():
    box, far = Rect(0, 0, 100, 40, 1), Rect(0, 200, 100, 240, 2)
    assert faults([box, Rect(50, 20, 150, 60, 3)], [])
    assert faults([box, far, Rect(0, 100, 100, 140, 3)], [Line(((50, 40), (50, 200)), (0, 0, 0), 2)])
    assert faults([], [Line(((0, 0), (0, 50)), (0, 0, 0), 2), Line(((0, 10), (0, 90)), (0, 1, 0), 3)])
    assert not faults([box, far], [Line(((50, 40), (50, 200)), (0, 0, 0), 2)])


SAME = {"flatten": "reshape", "view": "reshape", "relu": "relu", "add": "+ add", "iadd": "+ add", "mul": "× multiply", "cat": "concat",
    "adaptive_avg_pool2d": "mean"}  # fmt: skip
IDLE = ("Dropout", "Identity", "stochastic_depth")


def traced(net: nn.Module) -> Counter[tuple[str, str]]:
    """Lines between modules and functions as torch.fx finds them, by their names; what does nothing is left out."""
    graph = fx.symbolic_trace(net).graph
    modules = dict(net.named_modules())

    def idle(node: fx.Node) -> bool:
        module = modules.get(str(node.target))
        return (type(module).__name__ if module is not None else getattr(node.target, "__name__", "")) in IDLE

    def names(node: fx.Node) -> list[str]:
        if idle(node):
            return [name for source in node.all_input_nodes for name in names(source)]
        if node.op == "call_module":
            return [str(node.target)]
        if node.op in ("placeholder", "output"):
            return ["input" if node.op == "placeholder" else "output"]
        word = str(getattr(node.target, "__name__", node.target)).strip("_")
        return [SAME.get(word, word)]

    found: Counter[tuple[str, str]] = Counter()
    for node in graph.nodes:
        given = [a for arg in node.args for a in (arg if isinstance(arg, list | tuple) else [arg]) if isinstance(a, fx.Node)]
        for source in [] if idle(node) else given:
            found.update((name, names(node)[0]) for name in names(source))
    return found


def drawn(items: tuple[GraphItem, ...]) -> Counter[tuple[str, str]]:
    """The same as our record has it, through the borders of blocks."""
    makers: dict[int, str] = {}
    found: Counter[tuple[str, str]] = Counter()

    def name(stripe: object) -> str:
        path, title, kind = (getattr(stripe, each) for each in ("path", "title", "kind"))
        return path if kind and path else title

    def walk(items: tuple[GraphItem, ...]) -> None:
        for item in items:
            if item.inside is not None:
                walk(item.inside)
                continue
            found.update((makers[value], name(item.stripes[0])) for value in item.takes)
            found.update((name(a), name(b)) for a, b in zip(item.stripes, item.stripes[1:], strict=False))
            makers.update(dict.fromkeys(item.gives, name(item.stripes[-1])))

    walk(items)
    return found


@pytest.mark.parametrize(
    "name",
    ["resnet18", "resnet50", "squeezenet1_1", "mobilenet_v2", "mobilenet_v3_small", "densenet121", "vgg11", "efficientnet_b0", "googlenet"],
)
def test_every_line_that_torch_fx_finds_is_drawn_and_no_other(name: str):
    with torch.device("meta"):
        options = {"init_weights": False, "aux_logits": False} if name == "googlenet" else {}
        net = torchvision().models.get_model(name, **options).eval()
    found, tape = examine(net, (3, 224, 224))
    assert drawn(tree_of(tape, found.layers)) == traced(net)


@pytest.mark.parametrize("name", NETS)
def test_every_line_of_the_record_has_a_way_and_a_path_in_the_drawing(name: str):
    for block in every(blocks(name)):
        if block.plan is not None:
            ways = Counter((r.source, r.out, r.target, r.into) for r in block.plan.routes)
            assert ways == Counter((k.source, k.out, k.target, k.into) for k in links_of(block.plan.nodes))
            taken = sum(len(node.takes) for node in block.plan.nodes)
            assert taken == len(ways), "every value that is taken comes from somewhere in sight"


def test_what_is_brought_together_has_as_many_lines_as_it_reads():
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 1)
            self.token = nn.Parameter(torch.zeros(1, 4, 8, 8))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            a, b = self.a(x), self.b(x)
            both = torch.cat([a, b, self.token, a * b], 1)
            one, two = both.chunk(2, 1)
            return torch.stack([one + one, two]) * 2

    found, tape = examine(Net(), (3, 8, 8))
    items = {item.stripes[0].title: item for item in tree_of(tape, found.layers)}
    assert len(items["concat"].takes) == 4 and len(items["+ add"].takes) == 2 and len(items["stack"].takes) == 2
    assert len(items["× multiply"].takes) == 2 and len(items["split"].gives) == 2
    assert items["token"].is_source and items["+ add"].takes[0] == items["+ add"].takes[1]


@pytest.mark.parametrize("name", NETS)
def test_at_first_no_more_boxes_are_shown_than_one_can_look_at(name: str):
    whole = blocks(name)
    opened = opened_at_first(whole)
    rects, _ = on_page(placed(whole, opened), opened)
    assert len(rects) <= max(LIMIT, sum(1 for node in whole.nodes if node.item.stripes))


def test_a_net_of_thousands_of_steps_is_bounded():
    whole = blocks("steps")
    assert max(len(b.nodes) for b in every(whole)) <= 260
    assert placed(whole, opened_at_first(whole)).height < 20_000


LAYERS = {
    "1-D": (nn.Conv1d(4, 8, 5, stride=2), [torch.empty(1, 4, 40)], "5, stride 2, 4 → 8"),
    "2-D": (nn.Conv2d(4, 8, (3, 5), dilation=2), (4, 40, 40), "3×5, dilated 2, 4 → 8"),
    "3-D": (nn.Conv3d(4, 8, 3, groups=2), (4, 9, 9, 9), "3×3×3, 4 → 8, 2 groups"),
    "depthwise": (nn.Conv2d(4, 4, 3, groups=4), (4, 9, 9), "3×3, depthwise 4"),
    "transposed": (nn.ConvTranspose2d(4, 8, 2, stride=2), (4, 9, 9), "2×2, stride 2, 4 → 8"),
    "pooling": (nn.MaxPool2d(3, stride=(2, 1)), (4, 9, 9), "3×3, stride 2×1"),
    "tokens": (nn.Linear(16, 32), [torch.empty(1, 9, 16)], "16 → 32"),
    "vector": (nn.Linear(16, 32), [torch.empty(1, 16)], "16 → 32"),
    "norm": (nn.BatchNorm2d(4), (4, 9, 9), ""),
}


@pytest.mark.parametrize("name", LAYERS)
def test_kernel_stride_and_channels_stand_in_the_box_whatever_the_rank(name: str):
    layer, size, words = LAYERS[name]
    found, tape = examine(nn.Sequential(layer, nn.ReLU()), size)
    assert found.layers[0].form.words == words
    stripe = tree_of(tape, found.layers)[1].stripes[0]
    assert stripe.fact == words
    assert stripe.size == "×".join(map(str, found.layers[0].after[1:]))
    assert words in str(drawing_of(tape, found.layers).picture)


def test_a_form_is_that_of_the_module():
    net = nn.Sequential(
        *(nn.Conv2d(12, 12, k, stride=s, groups=g, padding=4, dilation=d) for k, s, g, d in ((3, 1, 1, 1), (5, 2, 3, 2), (1, 1, 12, 1)))
    )
    for layer, module in zip(inspect(net, (12, 40, 40)).layers, net, strict=True):
        assert isinstance(module, nn.Conv2d)
        expected = LayerForm("convolution", module.kernel_size, module.stride, module.dilation, module.groups, (12, 12))  # type: ignore[arg-type]
        assert layer.form == expected


@pytest.mark.parametrize("text", ["stages.0.0.body.conv1.conv", "W" * 90, "名前" * 40, "i" * 300, "\u202eabc\x00" * 9, "", "a"])
def test_words_are_shortened_to_their_room(text: str):
    for room in (0, 10, 60, 200):
        assert width(fitted(text, room, 12), 12) <= room
    assert fitted("a" * 5, 500, 12) == "a" * 5
