"""Auxiliary heads learn, with the weights that their papers give them, in the training loop and where processes share a network."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torch.distributed import HashStore, destroy_process_group, init_process_group
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel

from receptron import zoo
from receptron.blocks.auxiliary import AuxiliaryClassifier, AuxiliaryScores
from receptron.blocks.classifier import Classifier, linear_head
from receptron.blocks.conv import conv
from receptron.data.records import Catalog, Item
from receptron.errors import ImageTooSmall
from receptron.jobs.training.initial_weights import Wish, choose_initial_weights
from receptron.training.loop.objective import Supervised

PIXELS = {"googlenet_auxiliary": 64, "googlenet_2014": 96, "inception_v3": 299}
WEIGHTS = {"googlenet_auxiliary": 0.3, "googlenet_2014": 0.3, "inception_v3": 0.4}


def taught(name: str, classes: int = 4) -> tuple[Classifier, Tensor, Tensor]:
    """A net in train mode without chance, two images, and their classes."""
    torch.manual_seed(0)
    net = zoo.build(name, classes=classes).train()
    for module in net.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return net, torch.randn(2, 3, PIXELS[name], PIXELS[name]), torch.tensor([1, 3])


@pytest.mark.parametrize("name", PIXELS)
def test_every_weight_gets_a_gradient_and_the_loss_is_that_of_the_paper(name: str):
    net, x, classes = taught(name)
    assert isinstance(net, AuxiliaryClassifier)
    losses = Supervised()(net, x, classes)
    scores = net.all_scores(x)  # BatchNorm answers alike each time: by the batch
    heads = [cross_entropy(s, classes, reduction="none") for s in scores]
    assert len(heads) == (2 if name == "inception_v3" else 3)
    expected = heads[0] + sum(WEIGHTS[name] * loss for loss in heads[1:])
    assert torch.allclose(losses, expected, rtol=1e-4)
    losses.mean().backward()
    missing = [key for key, parameter in net.named_parameters() if parameter.grad is None or not parameter.grad.abs().sum()]
    assert all(key.endswith("bias") and "conv" in key for key in missing), missing  # a bias behind a dead unit at most


def test_a_weight_scales_the_gradient_of_its_head():
    grads = []
    for weight in (0.3, 0.6):
        net, x, classes = taught("googlenet_auxiliary")
        net.weight = weight
        Supervised()(net, x, classes).mean().backward()
        grads.append(net.auxiliary["1_1"].get_submodule("fc").weight.grad)
    assert torch.allclose(2 * grads[0], grads[1], rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("name", PIXELS)
def test_eval_mode_and_nets_without_heads_answer_scores_alone(name: str):
    net, x, _ = taught(name)
    assert isinstance(net(x), AuxiliaryScores)
    with torch.no_grad():
        assert torch.equal(net.eval()(x), net.all_scores(x)[0])
    net.remove_auxiliary()
    assert isinstance(net.train()(x), Tensor) and not any(key.startswith("auxiliary") for key in net.state_dict())


@pytest.fixture
def one_process() -> Iterator[None]:
    init_process_group("gloo", rank=0, world_size=1, store=HashStore())
    yield
    destroy_process_group()


def small() -> AuxiliaryClassifier:
    return AuxiliaryClassifier(conv(3, 4), [nn.Sequential(conv(4, 4))], linear_head(4, 3), {"0_0": linear_head(4, 3)}, weight=0.3)


@pytest.mark.parametrize("make", [lambda: taught("googlenet_auxiliary")[0], lambda: taught("googlenet_2014")[0], small])
def test_distributed_training_goes_on_for_several_steps(one_process: None, make):
    net = DistributedDataParallel(make())
    for _ in range(3):
        Supervised()(net, torch.randn(2, 3, 96, 96), torch.tensor([1, 2])).mean().backward()
    assert all(parameter.grad is not None for parameter in net.parameters())


def test_distributed_training_would_fail_on_heads_that_are_left_out(one_process: None):
    net = DistributedDataParallel(small())
    with pytest.raises(RuntimeError, match="Expected to have finished reduction"):
        for _ in range(2):
            net(torch.randn(2, 3, 8, 8)).logits.sum().backward()


def test_maps_too_small_for_the_heads_are_refused_in_train_mode_with_the_way_on():
    with torch.device("meta"):
        net, x = zoo.build("inception_v3"), torch.empty(2, 3, 224, 224)
        with pytest.raises(ImageTooSmall) as caught:
            net.train()(x)
        assert "net.remove_auxiliary()" in caught.value.mend
        net.remove_auxiliary()
        assert net(x).shape == (2, 1000)


@pytest.mark.parametrize(
    ("name", "shorter", "expected"),
    [
        ("inception_v3", 200, 299),
        ("googlenet_2014", 40, 224),
        ("googlenet_2014", 100, 100),
        ("googlenet_auxiliary", 40, 40),
        ("resnet18", 40, 40),
    ],
)  # fmt: skip
def test_training_from_scratch_takes_images_that_the_heads_can_learn_from(name: str, shorter: int, expected: int, tmp_path: Path):
    Image.new("RGB", (shorter, shorter)).save(tmp_path / "a.png")
    catalog = Catalog(tmp_path, "class folders", (Item(tmp_path / "a.png", "a"),))
    assert choose_initial_weights(catalog, Wish(name, "none")).spec.pixels == expected
