"""Adapting one backbone to one folder of photos: Receptron's ladder against full fine-tuning, by a plain torch loop and by fastai.

All start from the same weights and are judged once on the same test photos (PHOTOS/val). Full fine-tuning runs for 20 epochs with random
resized crops, mirror images and a one-cycle rate, as people do it; seconds are whole: start, decoding, training, judging;
processor time over all cores is told beside them, because other work on the machine disturbs it least.

    python benchmarks/adapt.py --photos ../shared/data/flowers --weights ../shared/weights/mobilenet_v2_tf.pt
    python benchmarks/adapt.py ... --rows receptron,plain --epochs 20 --threads 2

fastai comes with the extra `bench`; it is left out with a word where it is missing.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from receptron.evaluation.confidence_intervals import wilson
from receptron.weights.sidecar import Sidecar
from receptron.weights.source import resolve
from receptron.zoo import build

NET, PIXELS, SIDE, BATCH, RATE = "mobilenet_v2_tf", 224, 256, 32, 0.02
FACTS = Sidecar(NET, "torchvision", PIXELS, (0.5,) * 3, (0.5,) * 3, "bilinear", PIXELS / SIDE)


class Photos(Dataset[tuple[Tensor, int]]):
    """Photos in class folders, decoded at each visit; cropped at random and mirrored when training, else cut from the centre."""

    def __init__(self, folder: Path, train: bool) -> None:
        self.classes = sorted(place.name for place in folder.iterdir() if place.is_dir())
        self.files = [(file, i) for i, name in enumerate(self.classes) for file in sorted((folder / name).glob("*.jpg"))]
        self.train = train

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        file, label = self.files[index]
        image = Image.open(file).convert("RGB")
        image = self._random_cut(image) if self.train else self._centre(image)
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).float()
        return pixels.div_(127.5).sub_(1.0), label

    def _random_cut(self, image: Image.Image) -> Image.Image:
        area = image.width * image.height * np.random.uniform(0.35, 1.0)
        ratio = np.exp(np.random.uniform(np.log(3 / 4), np.log(4 / 3)))
        wide, tall = min(image.width, (area * ratio) ** 0.5), min(image.height, (area / ratio) ** 0.5)
        left, top = np.random.uniform(0, image.width - wide), np.random.uniform(0, image.height - tall)
        image = image.resize((PIXELS, PIXELS), Image.Resampling.BILINEAR, box=(left, top, left + wide, top + tall))
        return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if np.random.random() < 0.5 else image

    def _centre(self, image: Image.Image) -> Image.Image:
        scale = SIDE / min(image.size)
        image = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BILINEAR)
        left, top = (image.width - PIXELS) // 2, (image.height - PIXELS) // 2
        return image.crop((left, top, left + PIXELS, top + PIXELS))


def backbone(weights: Path, classes: int) -> nn.Module:
    """The network with the common weights and a fresh head."""
    return build(NET, classes=classes, pretrained=resolve(weights, FACTS))


def by_receptron(photos: Path, weights: Path, epochs: int, told: Callable[[str], None]) -> tuple[int, int]:
    """`receptron train`, as a user types it, with an empty cache."""
    with tempfile.TemporaryDirectory() as folder:
        flags = ["--net", NET, "--weights", str(weights), "--weights-keys", "torchvision", "--weights-pixels", str(PIXELS)]
        flags += ["--weights-mean", "0.5,0.5,0.5", "--weights-std", "0.5,0.5,0.5", "--weights-interpolation", "bilinear"]
        flags += ["--weights-crop", str(PIXELS / SIDE), "--cache", f"{folder}/cache", "--out", f"{folder}/model", "--time", "5m", "--json"]
        answer = subprocess.run([sys.executable, "-m", "receptron", "train", str(photos), *flags], stdout=subprocess.PIPE, check=True)
        run = json.loads(answer.stdout)
    for rung in run["ladder"]:
        told(f"{rung['name']}: {rung['seconds']:.0f} s; {rung['why']}")
    # The figure that all rows share is on the test side as given; the honest one without leaks stands in the report.
    counted = run["given"] or run["card"]["evaluation"]
    return round(counted["accuracy"]["value"] * counted["count"]), counted["count"]


def by_plain_loop(photos: Path, weights: Path, epochs: int, told: Callable[[str], None], *, fast: bool = False) -> tuple[int, int]:
    """Every layer, every photo, every epoch: SGD with momentum under a one-cycle rate; float32 as torch comes, or bfloat16 if `fast`."""
    torch.manual_seed(0)
    np.random.seed(0)
    train, test = Photos(photos / "train", train=True), Photos(photos / "val", train=False)
    net = backbone(weights, len(train.classes)).to(memory_format=torch.channels_last if fast else torch.contiguous_format)
    batches = DataLoader(train, BATCH, shuffle=True, drop_last=True)
    optimiser = torch.optim.SGD(net.parameters(), RATE, momentum=0.9, weight_decay=1e-4, nesterov=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=epochs * len(batches))
    right = 0
    for epoch in range(epochs):
        began = time.perf_counter()
        net.train()
        for images, labels in batches:
            with torch.autocast("cpu", torch.bfloat16, enabled=fast):
                scores = net(images)
            loss = nn.functional.cross_entropy(scores.float(), labels, label_smoothing=0.1)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        if epoch in (0, 1, 2, 4, 9, epochs - 1):
            right = count_right(net, test)
            told(f"epoch {epoch + 1}: {right / len(test):.1%}, {time.perf_counter() - began:.0f} s")
    return right, len(test)


def by_fast_loop(photos: Path, weights: Path, epochs: int, told: Callable[[str], None]) -> tuple[int, int]:
    """The same in bfloat16 and channels-last, which few people know to switch on."""
    return by_plain_loop(photos, weights, epochs, told, fast=True)


def by_fastai(photos: Path, weights: Path, epochs: int, told: Callable[[str], None]) -> tuple[int, int]:
    """fastai's Learner on the same network, `fit_one_cycle` over all layers."""
    library = torch.library.Library("torchvision", "DEF")  # the CPU build of torch has no compiled torchvision operators
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    from fastai.vision.all import ImageDataLoaders, Learner, Normalize, RandomResizedCrop, accuracy, aug_transforms

    loaders = ImageDataLoaders.from_folder(
        photos, train="train", valid="val", bs=BATCH, num_workers=0, seed=0,
        item_tfms=RandomResizedCrop(PIXELS, min_scale=0.35),
        batch_tfms=[*aug_transforms(max_warp=0), Normalize.from_stats([0.5] * 3, [0.5] * 3, cuda=False)],
    )  # fmt: skip
    learner = Learner(loaders, backbone(weights, loaders.c), metrics=accuracy)
    with learner.no_logging(), learner.no_bar():
        learner.fit_one_cycle(epochs, 2e-3)
    score = float(learner.validate()[1])
    count = len(loaders.valid_ds)
    told(f"{epochs} epochs")
    return round(score * count), count


def count_right(net: nn.Module, test: Photos) -> int:
    """Test photos answered rightly."""
    net.eval()
    with torch.inference_mode():
        return sum(int((net(images).argmax(1) == labels).sum()) for images, labels in DataLoader(test, BATCH))


def processor_seconds() -> float:
    """Processor time of this process and of its ended children, over all cores: what other work on the machine disturbs least."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


ROWS = {"receptron": by_receptron, "plain": by_plain_loop, "plain-bfloat16": by_fast_loop, "fastai": by_fastai}


def main() -> None:
    """Run the rows one after another and print each as it ends."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rows", default=",".join(ROWS))
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    spent: dict[str, tuple[float, float]] = {}
    for name in chosen.rows.split(","):
        began, used = time.perf_counter(), processor_seconds()
        try:
            right, count = ROWS[name](chosen.photos, chosen.weights, chosen.epochs, lambda line: print(f"    {line}", flush=True))
        except ImportError as missing:
            print(f"{name}: left out, {missing}")
            continue
        spent[name] = wall, busy = time.perf_counter() - began, processor_seconds() - used
        interval, ratio = wilson(right, count), ""
        if "receptron" in spent and name != "receptron":
            ratio = f": {wall / spent['receptron'][0]:.1f} and {busy / spent['receptron'][1]:.1f} x Receptron's"
        accuracy = f"{interval.value:.1%} ({interval.low:.1%} to {interval.high:.1%}) of {count} test photos"
        print(f"{name}: {accuracy}, {wall:.0f} s, {busy:.0f} s of processor time{ratio}", flush=True)


if __name__ == "__main__":
    main()
