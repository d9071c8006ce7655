"""The feature cache: do cached activations equal those computed afresh, and how much faster does a head train from them?

    python benchmarks/feature_cache.py --shared ../shared [--images 300] [--epochs 3]

Photos of shared/data/flowers, MobileNetV2 with the weights of shared/weights, float32. The head learns by the loop of `receptron train`
both times, on the same images for the same epochs: from pooled features out of the cache, and through the frozen backbone.
"""

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from receptron.blocks.classifier import Classifier
from receptron.data.augmentation.policy import POLICIES
from receptron.data.dataset.scan import scan
from receptron.data.ingest import read
from receptron.data.records import Catalog
from receptron.progress import Silent
from receptron.training.batches.sources import CanvasSource, ViewSource
from receptron.training.features.cache import FeatureCache, FeatureViews
from receptron.training.features.frozen_backbone import Divided, divide, frozen
from receptron.training.hardware.device import Hardware
from receptron.training.loop.hooks import Hooks
from receptron.training.loop.hyperparameters import Hyperparameters
from receptron.training.loop.loop import Phase, fit
from receptron.training.records import PhaseName
from receptron.weights.inputs import InputSpec
from receptron.weights.pretrained import Pretrained
from receptron.zoo import build

SPEC = InputSpec(224, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "bilinear", 0.875)
ENGINE, VIEWS = Hardware(), FeatureViews(SPEC, 3, POLICIES["light"], 3)


class Probed(nn.Module):
    """A frozen backbone under a head that learns."""

    def __init__(self, divided: Divided, classes: int) -> None:
        super().__init__()
        self.front, self.tail = frozen(divided.front, ENGINE), frozen(divided.tail, ENGINE)
        self.head = nn.Linear(divided.tail.head.fc.in_features, classes)

    def train(self, mode: bool = True) -> "Probed":
        """BatchNorm is folded and dropout is off, whatever the mode."""
        return self

    def features(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            return self.tail.pooled(self.front(x))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))


def backbone(shared: Path) -> Classifier:
    """MobileNetV2 as shared."""
    path = shared / "weights/mobilenet_v2_tf.pt"
    return build("mobilenet_v2_tf", classes=5, pretrained=Pretrained("shared", "mobilenet_v2_tf", path, "torchvision", SPEC, "Apache-2.0"))


def spread(catalog: Catalog, count: int) -> Catalog:
    """Images spread evenly over all classes."""
    picked = catalog.items[:: max(1, len(catalog.items) // count)][:count]
    return Catalog(catalog.root, catalog.layout, picked)


def seconds(work) -> float:
    """Wall-clock of one call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--epochs", type=int, default=3)
    options = parser.parse_args()
    torch.manual_seed(0)
    reading = read(spread(scan(options.shared / "data/flowers/train"), options.images), SPEC.resize)
    labels = sorted({entry.item.label for entry in reading.good})
    digests = [entry.sha256 for entry in reading.good]
    targets = torch.tensor([labels.index(entry.item.label) for entry in reading.good])
    divided = divide(backbone(options.shared), 3, 224)
    probed = Probed(divided, len(labels))

    def through(part: nn.Module, batch: Tensor) -> Tensor:
        with torch.inference_mode():
            return part(ENGINE.place(batch)).contiguous()

    with tempfile.TemporaryDirectory() as name:
        cache = FeatureCache(Path(name))
        filling = seconds(lambda: cache.gather(probed.front, VIEWS, digests, reading.canvases, through, Silent()))
        rows = {}
        reading_back = seconds(lambda: rows.update(maps=cache.gather(probed.front, VIEWS, digests, reading.canvases, through, Silent())))
    maps = rows["maps"]
    alone = torch.stack([through(probed.front, VIEWS.of([reading.canvases[d]], [d], 1))[0] for d in digests[:40]])
    apart = float((alone - maps[:40, 1]).abs().max() / alone.abs().max())
    with torch.inference_mode():
        pooled = torch.stack([torch.cat([probed.tail.pooled(part) for part in maps[:, v].split(64)]) for v in range(VIEWS.count)], 1)
    plan = Hyperparameters(options.epochs, 32, 0.05)
    canvases = [reading.canvases[digest] for digest in digests]
    slow = Phase(
        PhaseName("through the backbone"), probed, CanvasSource(canvases, digests, targets, SPEC, 3, POLICIES["light"], 0, 5), plan
    )
    through_backbone = seconds(lambda: fit(slow, ENGINE, Hooks()))

    def from_cache() -> float:
        head = nn.Linear(pooled.shape[2], len(labels))
        return seconds(
            lambda: fit(Phase(PhaseName("from the cache"), head, ViewSource(pooled.clone(), digests, targets), plan), ENGINE, Hooks())
        )

    fast = median(from_cache() for _ in range(5))
    table = Table("figure", "value", "wanted", title=f"{len(digests)} photos, {torch.get_num_threads()} threads, float32")
    table.add_row("cached and computed alone differ by, relative", f"{apart:.1e}", "1e-5 or less")
    table.add_row(f"filling the cache ({VIEWS.count} views)", f"{filling:.1f} s", "")
    table.add_row("reading it back", f"{reading_back:.2f} s", "")
    table.add_row(f"{options.epochs} epochs of the head through the backbone", f"{through_backbone:.1f} s", "")
    table.add_row(f"{options.epochs} epochs of the head from the cache", f"{fast:.3f} s", "")
    table.add_row("ratio", f"{through_backbone / fast:.0f}", "20 or more")
    table.add_row("ratio with reading the cache", f"{through_backbone / (fast + reading_back):.0f}", "")
    Console().print(table)
    if not np.isfinite(apart) or apart > 1e-5:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
