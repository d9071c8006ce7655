"""Learning curves for TensorBoard, epoch by epoch; the package is imported only where a user asks for them."""

from collections.abc import Callable
from pathlib import Path

from receptron.errors import MissingExtra, StorageFault
from receptron.training.records import EpochRecord


def logger(folder: Path) -> Callable[[EpochRecord], None]:
    """What writes each epoch into an event file below `folder`: loss, held-out accuracy, learning rate and speed of its phase.

    Epochs are numbered from 1. A resumed run adds a file of its own to the same folder, which TensorBoard joins to one curve.
    Raises: MissingExtra without TensorBoard; StorageFault.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise MissingExtra("TensorBoard logging", "tensorboard", "lab") from error
    try:
        folder.mkdir(parents=True, exist_ok=True)
        writer = SummaryWriter(folder)
    except OSError as error:
        raise StorageFault(
            f"could not write curves to {folder}.", why=str(error), mend="choose another folder with --tensorboard"
        ) from error

    def log(point: EpochRecord) -> None:
        values = {"loss": point.loss, "accuracy": point.accuracy, "rate": point.rate, "images per second": point.images_per_second}
        for name, value in values.items():
            if value is not None:
                writer.add_scalar(f"{point.phase}/{name}", value, point.epoch + 1)
        writer.flush()

    return log
