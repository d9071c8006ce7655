"""Nothing of a file of weights is thrown away or made up without being asked for and told, and no broken number is let in."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

import oracles
from receptron import zoo
from receptron.data.records import Catalog
from receptron.errors import BadValue, CheckpointMismatch
from receptron.jobs.training.initial_weights import Wish, choose_initial_weights
from receptron.weights import store
from receptron.weights.inputs import InputSpec
from receptron.weights.keymap import KeyMap, load
from receptron.weights.pretrained import Pretrained
from receptron.weights.sidecar import Sidecar

State = dict[str, Tensor]


def saved(folder: Path, name: str, change: Callable[[State], object] = lambda state: None, **options: int) -> tuple[State, Pretrained]:
    """Random weights of a net, changed, and their file."""
    state = dict(oracles.randomise(zoo.build(name, **options)).state_dict())
    change(state)
    path = folder / f"{name}.safetensors"
    digest = store.write(path, state)
    inputs = InputSpec(options.get("pixels", zoo.ZOO[name].pixels), (0.5,), (0.5,))
    return state, Pretrained(str(path), name, path, "receptron", inputs, "none", digest)


KINDS = ["lenet5", "lenet5_1998", "cifar_resnet20", "squeezenet1_1", "mobilenet_v3_small", "googlenet_auxiliary", "vit_s_16"]


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("options", [{"classes": 7}, {"channels": 2}, {"classes": 3, "channels": 5}])
def test_what_was_not_asked_for_is_as_the_file_has_it(tmp_path: Path, name: str, options: dict[str, int]):
    state, weights = saved(tmp_path, name, **options)
    net = zoo.build(name, pretrained=weights)
    assert net.fitted == ()
    assert all(torch.equal(tensor, state[key]) for key, tensor in net.state_dict().items())


@pytest.mark.parametrize("name", KINDS)
def test_what_was_asked_for_is_changed_and_told(tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture):
    state, weights = saved(tmp_path, name, classes=7, channels=2)
    with caplog.at_level(logging.WARNING, logger="receptron"):
        net = zoo.build(name, classes=4, channels=3, pretrained=weights)
    spread, fresh = net.fitted
    assert "is spread from 2 channels over 3" in spread
    assert "head.fc starts afresh: 4 classes were asked for, the file has 7" in fresh
    assert [record.message for record in caplog.records] == [f"{name} with {weights.reference}: {change}." for change in net.fitted]
    changed = {key for key, tensor in net.state_dict().items() if not torch.equal(tensor, state[key])}
    first = next(iter(key for key in state if state[key].ndim == 4))
    assert changed == {first} | {key for key in state if ".fc." in key}


def test_channels_that_are_lost_are_told(tmp_path: Path):
    _, weights = saved(tmp_path, "cifar_resnet20", channels=5)
    assert zoo.build("cifar_resnet20", channels=3, pretrained=weights).fitted == (
        "stem.conv is spread from 5 channels over 3, those after the first 3 are lost",
    )


def test_positions_auxiliary_heads_and_parts_left_out_are_told(tmp_path: Path):
    _, weights = saved(tmp_path, "vit_s_16", pixels=96)
    assert zoo.build("vit_s_16", pixels=64, pretrained=weights).fitted == ("stem.position is interpolated from 6x6 patches to 4x4",)

    def headless(state: State) -> None:
        for key in [key for key in state if key.startswith("auxiliary")]:
            del state[key]

    _, weights = saved(tmp_path, "googlenet_auxiliary", headless)
    assert zoo.build("googlenet_auxiliary", pretrained=weights).fitted == ("the auxiliary heads start afresh: the file has none",)
    theirs = oracles.torchvision().models.googlenet(weights=None, init_weights=False, aux_logits=True)
    path = tmp_path / "theirs.safetensors"
    store.write(path, theirs.state_dict())
    googlenet = Pretrained(str(path), "googlenet", path, "torchvision", InputSpec(224, (0.5,), (0.5,)), "none")
    assert zoo.build("googlenet", pretrained=googlenet).fitted == ("aux1, aux2 of the file left out: googlenet has no such part",)


@pytest.mark.parametrize(
    "change",
    [
        lambda state: state.update({"head.fc.weight": torch.zeros(7, 99)}),
        lambda state: state.update({"head.fc.bias": torch.zeros(7)}),
        lambda state: state.update({"head.fc.weight": torch.tensor(1.0)}),
        lambda state: state.update({"head.fc.weight": torch.zeros(2**40, 0)}),
        lambda state: state.update({"stem.conv.weight": torch.zeros(16, 3, 5, 5)}),
        lambda state: state.update({"stem.conv.weight": torch.zeros(16, 2**40, 0, 3)}),
        lambda state: state.update({"stem.conv.weight": torch.zeros(16, 0, 3, 3)}),
        lambda state: state.pop("head.fc.weight"),
        lambda state: state.update({"more": torch.zeros(1)}),
    ],
)
def test_a_layer_that_differs_in_more_than_a_number_is_refused(tmp_path: Path, change: Callable[[State], object]):
    _, weights = saved(tmp_path, "cifar_resnet20", change)
    with pytest.raises(CheckpointMismatch, match="does not fit cifar_resnet20"):
        zoo.build("cifar_resnet20", pretrained=weights)


def test_an_auxiliary_head_of_other_classes_than_the_head_is_refused(tmp_path: Path):
    def mixed(state: State) -> None:
        state["auxiliary.1_1.fc.weight"], state["auxiliary.1_1.fc.bias"] = torch.zeros(7, 1024), torch.zeros(7)

    _, weights = saved(tmp_path, "googlenet_auxiliary", mixed)
    with pytest.raises(CheckpointMismatch, match="2 faults"):
        zoo.build("googlenet_auxiliary", pretrained=weights)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), 1e300])
@pytest.mark.parametrize("key", ["head.fc.bias", "stem.conv.weight", "stem.norm.running_mean", "stages.1.0.body.conv1.norm.weight"])
def test_a_number_that_is_none_is_refused_and_named(tmp_path: Path, value: float, key: str):
    def spoil(state: State) -> None:
        state[key] = state[key].double()
        state[key].view(-1)[0] = value

    _, weights = saved(tmp_path, "cifar_resnet20", spoil)
    with pytest.raises(CheckpointMismatch, match=rf"{key} has 1 of [\d,]+ values that are no finite number"):
        zoo.build("cifar_resnet20", pretrained=weights)


def test_a_variance_below_zero_is_refused(tmp_path: Path):
    _, weights = saved(tmp_path, "cifar_resnet20", lambda state: state["stem.norm.running_var"].neg_())
    with pytest.raises(CheckpointMismatch, match=r"stem.norm.running_var has a variance below zero"):
        zoo.build("cifar_resnet20", pretrained=weights)


def test_a_file_of_nothing_but_nan_names_a_few_and_counts_the_rest(tmp_path: Path):
    _, weights = saved(tmp_path, "lenet5", lambda state: [tensor.fill_(float("nan")) for tensor in state.values()])
    with pytest.raises(CheckpointMismatch, match=r"10 faults") as caught:
        zoo.build("lenet5", pretrained=weights)
    assert "and 2 more" in str(caught.value)


def test_a_filter_is_not_taken_for_its_transpose():
    wide, tall = torch.nn.Conv2d(4, 8, (1, 7)), torch.nn.Conv2d(4, 8, (7, 1))
    with pytest.raises(CheckpointMismatch, match=r"weight is \(8, 4, 1, 7\), needed \(8, 4, 7, 1\)"):
        load(tall, wide.state_dict())
    matrix = torch.nn.Linear(28, 8)
    load(matrix, wide.state_dict())
    assert torch.equal(matrix.weight, wide.weight.flatten(1))


def test_two_parameters_of_one_name_are_refused():
    names = KeyMap("theirs", (("old.*", "fc.*"), ("new.*", "fc.*")))
    with pytest.raises(CheckpointMismatch, match=r"two parameters of the theirs checkpoint are 'fc.weight'"):
        names({"old.weight": torch.zeros(1), "new.weight": torch.ones(1)})


@pytest.mark.parametrize(("channels", "fed"), [(1, 1), (3, 3)])
def test_training_feeds_as_many_channels_as_the_weights_were_trained_on(tmp_path: Path, channels: int, fed: int):
    state, weights = saved(tmp_path, "cifar_resnet20", channels=channels)
    facts = Sidecar(keys="receptron", pixels=32, mean=(0.5,), std=(0.5,), interpolation="bilinear", crop=1.0)
    start = choose_initial_weights(Catalog(Path(), "class folders", ()), Wish("cifar_resnet20", weights.path, facts))
    assert start.channels == fed
    assert torch.equal(start.make(2).state_dict()["stem.conv.weight"], state["stem.conv.weight"])


def test_weights_of_channels_that_no_photo_has_are_refused_for_training(tmp_path: Path):
    _, weights = saved(tmp_path, "cifar_resnet20", channels=5)
    facts = Sidecar(keys="receptron", pixels=32, mean=(0.5,), std=(0.5,), interpolation="bilinear", crop=1.0)
    with pytest.raises(BadValue, match="takes images of 5 channels"):
        choose_initial_weights(Catalog(Path(), "class folders", ()), Wish("cifar_resnet20", weights.path, facts))


@pytest.mark.parametrize("value", [3, 1.5, ["x"], object(), b"x"])
def test_what_names_no_weights_is_refused(value: object):
    with pytest.raises(BadValue, match="pretrained is"):
        zoo.build("lenet5", pretrained=value)


def test_true_is_the_published_weights_to_prefer_and_false_is_none(monkeypatch: pytest.MonkeyPatch):
    asked: list[str] = []

    def resolve(reference: str, said: Sidecar) -> Pretrained:
        asked.append(f"{said.net} {reference}")
        raise BadValue("enough")

    monkeypatch.setattr("receptron.zoo.loading.resolve", resolve)
    for name in ("resnet50", "mobilenet_v2", "convnext_tiny", "efficientnet_b0_tf"):
        with pytest.raises(BadValue, match="enough"):
            zoo.build(name, pretrained=True)
        assert asked[-1] == f"{name} {zoo.card(name).row.weights[0].reference}"
    for name in ("lenet5", "conv4", "unet", "mobilenet_v2_tf"):
        with pytest.raises(BadValue, match=f"no weights are published for {name}"):
            zoo.build(name, pretrained=True)
    assert zoo.build("lenet5", pretrained=False).fitted == ()


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16, torch.float64])
@pytest.mark.parametrize("size", [(64, 64), (96, 64), (224, 160)])
def test_a_vit_takes_another_size_in_any_number_format(kind: torch.dtype, size: tuple[int, int]):
    net = oracles.randomise(zoo.build("vit_s_16")).eval()
    x = torch.randn(1, 3, *size)
    with torch.no_grad():
        exact, found = net(x), net.to(kind)(x.to(kind))
    assert found.dtype == kind and oracles.relative(found.float(), exact) < 0.1
