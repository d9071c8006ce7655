"""Parameters and multiply-accumulates against published and recounted tables."""

import csv
from pathlib import Path

import pytest

from receptron import zoo
from receptron.errors import UnknownName
from receptron.zoo.count import count, counts

PUBLISHED = {  # exact, from the papers' released code, or as rounded there
    "lenet5": 61_706,
    "lenet5_1998": 60_000,  # Section II.B: 340,908 connections, 60,000 trainable parameters
    "xception": 22_855_952,
    "se_resnet50": 28_088_024,
    "cbam_resnet50": 28_089_624,
    "mobilenet_v1": 4_231_976,
    "unet": 31_030_658,
    "alexnet_2012": 60_965_224,  # the authors' net in Caffe
    "googlenet_2014": 13_378_280,  # in Caffe, with both auxiliary heads
    "googlenet_auxiliary": 13_004_888,
}
ROUNDED = {"senet154": 115.09, "convnext_xlarge": 350.2, "cifar_resnet20": 0.27, "cifar_resnet56": 0.85, "cifar_resnet110": 1.7}


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_are_the_published_ones(name: str):
    assert counts()[name].parameters == PUBLISHED[name]


@pytest.mark.parametrize("name", ROUNDED)
def test_parameters_round_to_the_published_millions(name: str):
    digits = len(str(ROUNDED[name]).partition(".")[2])
    assert round(counts()[name].parameters / 1e6, digits) == ROUNDED[name]


@pytest.mark.shared
def test_parameters_and_macs_are_those_of_the_reference_table(shared: Path):
    table = (shared / "reference/params_macs.csv").read_text().splitlines()
    rows = [row for row in csv.DictReader(table) if row["status"] == "ok" and row["model"] in zoo.ZOO]
    assert len(rows) > 45
    for row in rows:
        found = counts()[row["model"]]
        if int(row["size"]) == zoo.ZOO[row["model"]].pixels:
            assert (found.parameters, found.macs) == (int(row["exact_params"]), int(row["exact_MACs"])), row["model"]
        elif not row["model"].startswith("vit"):  # a ViT has one position for each patch
            assert found.parameters == int(row["exact_params"]), row["model"]


@pytest.mark.parametrize("name", ["lenet5", "resnet18", "mobilenet_v3_small", "squeezenet1_1", "vit_s_16", "convnext_ladder_05"])
def test_the_table_of_counts_is_recounted(name: str):
    assert counts()[name] == count(name)


@pytest.mark.campaign
@pytest.mark.parametrize("name", zoo.ZOO)
def test_every_count_is_recounted(name: str):
    assert counts()[name] == count(name)


def test_every_net_is_counted_and_no_other():
    assert counts().keys() == zoo.ZOO.keys()


def test_the_modernizations_work_is_the_papers():
    """Giga multiply-accumulates of each step: Liu et al. 2022, Table 10; the last row there is ConvNeXt-T itself."""
    paper = {0: 4.09, 1: 4.53, 2: 4.42, 3: 2.35, 4: 5.27, 5: 4.64, 6: 4.07, 7: 4.15, 8: 4.15, 9: 4.15, 10: 4.15}
    found = {i: round(counts()[f"convnext_ladder_{i:02d}"].macs / 1e9, 2) for i in paper}
    assert found == paper
    tiny, last = counts()["convnext_tiny"], counts()["convnext_ladder_12"]
    gains = 3 * 96 + 3 * 192 + 9 * 384 + 3 * 768  # layer scale, which is no step of the modernization
    assert (last.parameters + gains, last.macs) == (tiny.parameters, tiny.macs)


def test_compound_scaling_starts_at_b0_and_doubles_the_work():
    assert zoo.scale(0).value == (1, 1, 1)
    depth, width, resolution = zoo.scale(1).value
    assert depth * width**2 * resolution**2 == pytest.approx(1.92, abs=0.01)


def test_an_unknown_net_is_named_with_its_neighbours():
    with pytest.raises(UnknownName, match=r"no net named 'resnet5O'\. Did you mean resnet50"):
        zoo.build("resnet5O")
