"""Networks that answer together: the mean of their probabilities, by hand; kept once where they are equal; refused if not fitting."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from cards import card, network
from receptron.blocks.classifier import Classifier
from receptron.bundle import manifest, store
from receptron.bundle.card import ModelCard
from receptron.bundle.ensembles.ensemble import Ensemble, common_parts
from receptron.bundle.ensembles.kept import EnsembleCard, state_of
from receptron.bundle.model import load
from receptron.errors import BundleCorrupt
from receptron.records import to_json

NETS = (("lenet5", 1, 28), ("cifar_resnet20", 3, 32), ("mobilenet_v2", 3, 64), ("vit_b_16", 3, 224))


def parts(net: Classifier) -> list[nn.Module]:
    """Everything before the class layer, in its order."""
    return [net.stem, *net.stages, *[part for name, part in net.head.named_children() if name != "fc"]]


def members(name: str, channels: int, count: int, equal: int) -> list[Classifier]:
    """Networks with drawn weights that are equal in their first parts."""
    nets = [network(name, channels, seed) for seed in range(count)]
    for net in nets[1:]:
        for i, part in enumerate(parts(net)[:equal]):
            part.load_state_dict(parts(nets[0])[i].state_dict())
    return nets


@pytest.mark.parametrize(("name", "channels", "pixels"), NETS[:3])
@pytest.mark.parametrize("inner", [1.0, 0.6, 3.0])
@pytest.mark.parametrize("equal", [0, 1, 2, 99])
def test_the_answer_is_the_mean_of_the_probabilities_of_each(name: str, channels: int, pixels: int, inner: float, equal: int):
    nets, x = members(name, channels, 3, equal), torch.randn(4, channels, pixels, pixels)
    with torch.no_grad():
        alone = [torch.softmax(net(x).double() / inner, 1) for net in nets]
        embedding = nets[0].embed(x)
        together = Ensemble(nets, common_parts(nets), inner).eval()
        scores, seen = together.scores_and_embedding(x)
    assert torch.allclose(torch.softmax(scores.double() / inner, 1), sum(alone) / 3, atol=2e-5)
    assert torch.equal(seen, embedding)
    assert not torch.allclose(torch.softmax(scores.double() / inner, 1), alone[0], atol=1e-3), "one network alone says something else"


@pytest.mark.parametrize("equal", [0, 1, 3])
def test_parts_count_as_shared_up_to_the_first_that_differs_in_one_number(equal: int):
    nets = members("cifar_resnet20", 3, 3, equal)
    assert common_parts(nets) == equal
    if equal:
        last = (nets[2].stem, *nets[2].stages)[equal - 1]
        name, tensor = next((n, t) for n, t in last.state_dict().items() if n.endswith("running_mean"))
        tensor[0] += 1e-3
        assert common_parts(nets) == equal - 1, name


def written(folder: Path, nets: list[Classifier], name: str = "cifar_resnet20", **changes: object) -> Path:
    shared = common_parts(nets)
    together = EnsembleCard("folds", len(nets), shared, 1.5, 1, "none")
    total = sum(p.numel() for p in Ensemble(nets, shared, 1.5).parameters())
    told = replace(card(name, 3, card().input), parameters=total, ensemble=replace(together, **changes))
    return store.save(folder, told, state_of(nets, shared))


@pytest.mark.parametrize("equal", [0, 1, 4])
def test_a_model_directory_brings_the_same_answers_back(tmp_path: Path, equal: int):
    nets = members("cifar_resnet20", 3, 3, equal)
    x = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        before = Ensemble(nets, common_parts(nets), 1.5).eval()(x)
        model = load(written(tmp_path / "model", nets))
        assert torch.equal(model.net(x), before)
    photo = np.random.default_rng(0).integers(0, 255, (40, 40, 3), dtype=np.uint8)
    assert sum(model.predict([photo])[0].probabilities.values()) == pytest.approx(1)


def test_what_is_shared_lies_in_the_file_once(tmp_path: Path):
    sizes = [
        (written(tmp_path / str(equal), members("cifar_resnet20", 3, 4, equal)) / store.WEIGHTS).stat().st_size for equal in (0, 1, 2, 3, 4)
    ]
    assert sizes == sorted(sizes, reverse=True) and sizes[-1] < 1.2 * sizes[0] / 4


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"members": 4}, "not there"),
        ({"members": 2}, "no tensor"),
        ({"shared": 3}, "no tensor"),
        ({"shared": 99}, "parts before its class layer"),
    ],
)
def test_a_card_that_does_not_fit_the_tensors_is_refused(tmp_path: Path, changes: dict[str, int], why: str):
    folder = written(tmp_path / "model", members("cifar_resnet20", 3, 3, 2), **changes)
    with pytest.raises(BundleCorrupt) as caught:
        load(folder)
    assert why in str(caught.value) + caught.value.why


@pytest.mark.parametrize("field", ["members", "inner", "shared"])
@pytest.mark.parametrize("value", [-1, 1e9])
def test_a_card_with_figures_out_of_range_is_refused(tmp_path: Path, field: str, value: float):
    folder = written(tmp_path / "model", members("cifar_resnet20", 3, 2, 1))
    files = {name: (folder / name).read_bytes() for name in (store.WEIGHTS, store.CARD, store.SPLIT)}
    told: ModelCard = store.read(folder).card
    told = replace(told, ensemble=replace(told.ensemble, **{field: value if field == "inner" else int(value)}))
    files[store.CARD] = to_json(told).encode() + b"\n"
    for name, data in files.items():
        (folder / name).write_bytes(data)
    (folder / manifest.NAME).write_bytes(manifest.of(files))
    with pytest.raises(BundleCorrupt):
        load(folder)


def test_members_are_networks_of_the_zoo():
    assert all(isinstance(net, nn.Module) for net in Ensemble(members("lenet5", 1, 2, 0), 0, 1.0).members)
