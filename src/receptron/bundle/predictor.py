"""A network that answers images: everything that prediction needs, wherever the network came from."""

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from receptron.blocks.classifier import Classifier
from receptron.bundle.ensembles.ensemble import Ensemble
from receptron.bundle.placed import Placed
from receptron.data.augmentation.prediction_views import check_views, prediction_view
from receptron.data.bands.band_plan import BandPlan
from receptron.data.dataset.spelling import composed
from receptron.data.given_images.images import ImageLike, as_list, names, to_canvas
from receptron.data.ingest import CanvasPlan
from receptron.data.reading.depth_scale import DepthScale
from receptron.data.reading.file_bytes import LIMITS, Limits
from receptron.data.reading.pixel_formats import Canvas
from receptron.errors import BadValue, BundleFault, UnreadableImage
from receptron.evaluation.finite_checks import check_finite
from receptron.evaluation.novelty.rule import NoveltyRule, novelties
from receptron.evaluation.novelty.scorer import SCORES, NoveltyScorer
from receptron.evaluation.prediction_sets import named, prediction_sets
from receptron.evaluation.records import Answer, SetRule
from receptron.evaluation.temperature_scaling import mean_logits
from receptron.progress import Progress, Silent
from receptron.records import short
from receptron.weights.inputs import InputSpec

BATCH = 32
AT_ONCE = 8 * 1024**2  # pixels of resized images in one batch: 32 of 512 px, 2 of the largest that a card may ask for
WORKERS = 4


@dataclass(frozen=True)
class Scores:
    """What the network says of the images that could be read, which of the images asked for these are, and why the others could not."""

    logits: NDArray[np.float64]  # (N, K); of several views those whose softmax is the mean of the views'
    read: list[int]
    faults: dict[int, str]
    centre: NDArray[np.float64]  # (N, K) of the first view alone
    seconds: tuple[float, ...]  # that each view took
    novelty: NDArray[np.float64] | None = None  # (N, 2): scores by the first view, where the model has such


class Facts(Protocol):
    """What answering needs to know of a network: fields of a model's card, or what is published."""

    @property
    def net(self) -> str:
        """Name in the zoo."""
        ...

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the network's outputs."""
        ...

    @property
    def channels(self) -> int:
        """Channels that the network takes."""
        ...

    @property
    def input(self) -> InputSpec:
        """How an image becomes the network's input."""
        ...

    @property
    def temperature(self) -> float:
        """What logits are divided by before the softmax."""
        ...

    @property
    def offsets(self) -> tuple[float, ...] | None:
        """What to add to scaled logits for the data's own shares of the classes, where training had balanced them."""
        ...

    @property
    def depth(self) -> DepthScale | None:
        """What is white in images of more than 8 bits."""
        ...

    @property
    def novelty(self) -> NoveltyRule | None:
        """From which scores on an image is of none of the classes; None where that cannot be told."""
        ...

    @property
    def mirrored(self) -> bool:
        """Whether images mean the same in a mirror, so that views may be mirrored."""
        ...

    @property
    def sets(self) -> SetRule | None:
        """Which classes are in an image's set at a stated coverage; None where that was never measured."""
        ...


class Predictor:
    """A network in eval mode with what it expects and which classes it names.

    `split` tells which images it was trained on, `unseen` says what the others are to it, `notes` what was odd about its files,
    `novelty` what tells images of no class.
    """

    unseen = "new to the model"

    def __init__(self, facts: Facts, net: nn.Module, limits: Limits = LIMITS) -> None:
        self.facts = facts
        self.split: tuple[Placed, ...] = ()
        self.novelty: NoveltyScorer | None = None
        self.notes: list[str] = []  # what was odd about its files and did no harm
        bands = BandPlan(facts.input.bands or 0, facts.input.channels_axis or "auto")
        self.plan = CanvasPlan(facts.input.resize, facts.input.interpolation, limits, facts.depth, bands)
        self.net = net.eval().requires_grad_(False)

    def class_called(self, label: str) -> str | None:
        """The class that images of a label are of.

        Args:
            label: As a folder or a table spells it, composed or decomposed.

        Returns:
            As the network's classes spell it; None where it knows no such class.

        Example:
            >>> from receptron import load
            >>> load("digits-model").class_called("3"), load("digits-model").class_called("cat")
            ('3', None)
        """
        return next((name for name in self.classes if label in (name, composed(name))), None)

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the network's outputs."""
        return self.facts.classes

    def predict(
        self, images: ImageLike | Iterable[ImageLike], batch: int = BATCH, progress: Progress | None = None, views: int = 1
    ) -> list[Answer]:
        """What the network says of images: class, confidence, all probabilities after temperature scaling, and whether it is none of these.

        A broken image gets an answer with a `fault`; the rest are answered. Files go exactly the way of training, and answers do not depend
        on `batch`.

        Args:
            images: Paths, bytes, file objects, Pillow images, arrays (H, W) or (H, W, 3) or tensors (C, H, W), in uint8, uint16 or floats
                0..1; or a batch (N, H, W, 3) or (N, C, H, W).
            batch: Images that go through the network at once, at most.
            progress: Told how far it is; None: nobody.
            views: Views of each image whose probabilities are averaged, 1 to 32; 1 is the centre alone.

        Returns:
            One per image, in order.

        Raises:
            BadValue: For something that is no image, a batch below 1 and a number of views outside of 1 to 32.
            BundleFault: If the network gives something else than one number for each class.
            NonFinite: If the network answers NaN or infinity to every image; where it is to some alone, each has that as its fault.

        Example:
            >>> from receptron import load
            >>> model = load("digits-model")
            >>> [answer.fault for answer in model.predict(["scans/first.png", "gone.png"])]
            [None, 'no such file']
            >>> model.predict([np.zeros((40, 40, 3), np.uint8)])[0].path
            'image 0'
        """
        given = as_list(images)
        called = names(given)
        scores = self._scores(given, batch, progress, views, alone=True)
        scaled = torch.from_numpy(scores.logits).div(self.facts.temperature)
        chances = scaled.add(torch.tensor(self.facts.offsets or (0.0,), dtype=torch.float64)).softmax(1).numpy()
        answers = {i: self.answer(called[i], row) for i, row in zip(scores.read, chances, strict=True)}
        if scores.novelty is not None and self.facts.novelty:
            found = novelties(scores.novelty, self.facts.novelty)
            answers = {i: replace(answers[i], novelty=one) for i, one in zip(scores.read, found, strict=True)}
        if views > 1:  # what the sets promise was found on one view
            answers = {i: replace(answer, candidates=()) for i, answer in answers.items()}
        answers |= {i: Answer(called[i], "", 0.0, {}, fault=reason) for i, reason in scores.faults.items()}
        return [answers[i] for i in range(len(given))]

    def scores(
        self, images: ImageLike | Iterable[ImageLike], batch: int = BATCH, progress: Progress | None = None, views: int = 1
    ) -> Scores:
        """Logits, before temperature scaling.

        Args:
            images: As `predict` takes them.
            batch: Images that go through the network at once, at most.
            progress: Told how far it is; None: nobody.
            views: Views of each image whose probabilities are averaged, 1 to 32; 1 is the centre alone.

        Returns:
            Logits (N, K) of the images that could be read, and why the others could not.

        Raises:
            BadValue: For something that is no image, a batch below 1 and a number of views outside of 1 to 32.
            BundleFault: If the network gives something else than one number for each class.
            NonFinite: If the network answers NaN or infinity, naming the images.

        Example:
            >>> from receptron import load
            >>> found = load("digits-model").scores(["scans/first.png", "gone.png"])
            >>> found.logits.shape, found.read, found.faults
            ((1, 10), [0], {1: 'no such file'})
        """
        return self._scores(images, batch, progress, views, alone=False)

    def _scores(self, images: ImageLike | Iterable[ImageLike], batch: int, progress: Progress | None, views: int, *, alone: bool) -> Scores:
        """`scores`; with `alone` an image whose answer is not finite is a fault of its own beside others that have one."""
        if not isinstance(cast(object, batch), int) or batch < 1:
            raise BadValue(f"batch is {short(batch)}.", why="it must be 1 or more", mend="use the default of 32")
        check_views(views)
        batch = min(batch, max(1, AT_ONCE // self.facts.input.resize**2))
        given, progress = as_list(images), progress or Silent()
        called = names(given)
        progress.start("Looking at images", len(given), "images")
        told = len(self.classes) + (len(SCORES) if self.novelty else 0)
        parts, read, faults = [np.empty((views, 0, told))], list[int](), dict[int, str]()
        seconds, wild = np.zeros(views), list[int]()
        for start, chunk in self._canvases(given, called, batch):
            good = [i for i, canvas in enumerate(chunk, start) if not isinstance(canvas, str)]
            faults |= {i: canvas for i, canvas in enumerate(chunk, start) if isinstance(canvas, str)}
            canvases = [canvas for canvas in chunk if not isinstance(canvas, str)]
            said = list[NDArray[np.float64]]()
            for view in range(views if good else 0):
                began = perf_counter()
                said.append(self._forward(canvases, view))
                seconds[view] += perf_counter() - began
            if good:
                both = np.stack(said)
                if not alone:
                    check_finite(both.sum(0), [called[i] for i in good])
                sound = np.isfinite(both.sum(0)).all(axis=1)
                rows = np.array(good)
                wild += rows[~sound].tolist()
                read += rows[sound].tolist()
                parts.append(both[:, sound])
            progress.advance(len(chunk))
        if wild and not read:
            check_finite(np.full((len(wild), 1), np.nan), [called[i] for i in wild])
        faults |= dict.fromkeys(wild, "the network answered NaN or infinity: its values are too far from those of the training")
        progress.done(f"{len(faults):,} could not be read" if faults else "")
        logits, novelty = np.split(np.concatenate(parts, 1), [len(self.classes)], axis=2)
        mean = mean_logits(logits, self.facts.temperature)
        return Scores(mean, read, faults, logits[0], tuple(seconds.tolist()), novelty[0] if self.novelty else None)

    def _forward(self, canvases: list[Canvas], view: int) -> NDArray[np.float64]:
        """Logits (N, K) of one view, and the scores of novelty beside them where the model has such."""
        weights = next(self.net.parameters())
        images = prediction_view(canvases, self.facts.input, self.facts.channels, view, mirrored=self.facts.mirrored)
        images = images.to(weights.device, weights.dtype, memory_format=torch.channels_last)
        with torch.inference_mode():
            if self.novelty and isinstance(self.net, Classifier | Ensemble):
                scores, embedding = self.net.scores_and_embedding(images)
            else:
                scores, embedding = self.net(images), None
        if scores.shape != (len(canvases), len(self.classes)):
            why = f"it gives {tuple(scores.shape[1:])} numbers for an image, not {len(self.classes)}"
            raise BundleFault(f"{self.facts.net} is no classifier of whole images.", why=why, mend="use another model")
        logits = scores.double().cpu().numpy()
        if self.novelty is None or embedding is None:
            return logits
        return np.concatenate([logits, self.novelty.scores(embedding.float().cpu().numpy())], axis=1)

    def _canvases(self, images: list[ImageLike], called: list[str], batch: int) -> Iterator[tuple[int, list[Canvas | str]]]:
        """Chunks with the number of their first image; the next is decoded while the network works on this one."""

        def one(i: int) -> Canvas | str:
            try:
                return to_canvas(images[i], called[i], self.plan)
            except UnreadableImage as error:
                return error.reason

        with ThreadPoolExecutor(WORKERS) as pool:
            waiting: list[list[Future[Canvas | str]]] = []
            try:
                for start in range(0, len(images) + batch, batch):
                    waiting.append([pool.submit(one, i) for i in range(start, min(start + batch, len(images)))])
                    if start:
                        yield start - batch, [future.result() for future in waiting.pop(0)]
            finally:
                pool.shutdown(wait=True, cancel_futures=True)

    def answer(self, name: str, chances: NDArray[np.float64]) -> Answer:
        """Probabilities of one image as a record.

        Args:
            name: What the answer calls the image.
            chances: (K,), in the order of the classes.

        Returns:
            With the likeliest class; where training had balanced the classes, the one that would be if all were as common.

        Raises:
            ValueError: For another number of probabilities than there are classes.

        Example:
            >>> from receptron import load
            >>> load("digits-model").answer("a three", np.eye(10)[3]).predicted
            '3'
        """
        weighed = chances / np.exp(self.facts.offsets or 0.0)
        best = int(weighed.argmax())
        probabilities = {label: float(p) for label, p in zip(self.classes, chances, strict=True)}
        rule = self.facts.sets
        candidates = named(prediction_sets(chances[None], rule, [best])[0], self.classes, weighed) if rule and rule.least else ()
        return Answer(name, self.classes[best], float(chances[best]), probabilities, candidates=candidates)
