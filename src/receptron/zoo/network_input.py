"""What a net of the zoo expects of an image, and the one way in which an image becomes that."""

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from torch import Tensor

from receptron.weights.inputs import IMAGENET_MEAN, IMAGENET_STD, InputSpec

if TYPE_CHECKING:
    from receptron.zoo.nets import Net

GREY = ((0.5,), (0.25,))  # mean and std of nets for drawings and scans, which no published weights fix


class NetworkInput(InputSpec):
    """An input specification that can be carried out."""

    @classmethod
    def of(cls, spec: InputSpec) -> "NetworkInput":
        """The same specification."""
        return cls(*(getattr(spec, field.name) for field in fields(InputSpec)))

    def prepare(self, images: Any, channels: int) -> Tensor:
        """Paths, bytes, Pillow images, arrays or tensors, one or many -> float32 (N, channels, pixels, pixels).

        It is the way of training and prediction: shorter side to `resize`, central square, normalised. Raises: UnreadableImage, BadValue.
        """
        from receptron.data.given_images.images import as_list, names, to_canvas  # here, as decoders would double the import's cost
        from receptron.data.ingest import CanvasPlan
        from receptron.data.preprocessing.normalize import prepare
        from receptron.data.reading.depth_scale import NOMINAL

        plan, given = CanvasPlan(self.resize, self.interpolation, scale=NOMINAL), as_list(images)
        return prepare([to_canvas(image, name, plan) for image, name in zip(given, names(given), strict=True)], self, channels)


def usual_input(name: str, row: "Net", pixels: int | None) -> NetworkInput:
    """As the published weights to prefer expect it; where there are none, the net's usual size with ImageNet's colours, or grey."""
    from receptron.weights.published import published_for  # here, as the catalogue is read when it is first asked

    published = published_for(name)
    if published:
        spec = published[0].inputs
        return NetworkInput(pixels or spec.pixels, spec.mean, spec.std, spec.interpolation, spec.crop)
    mean, std = GREY if row.channels == 1 else (IMAGENET_MEAN, IMAGENET_STD)
    return NetworkInput(pixels or row.pixels, mean, std, crop=0.875 if row.pixels > 64 else 1.0)
