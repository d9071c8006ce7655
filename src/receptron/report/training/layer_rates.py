"""The small table of a rung: which level of the network learnt at which rate, and from when."""

from receptron.training.records import RungLearning


def learnt_at(learning: RungLearning) -> list[tuple[str, ...]]:
    """Rows of level, share of the rate, highest rate and first epoch; neighbours that are alike stand in one."""
    rows: list[tuple[str, ...]] = []
    for layer in learning.layers:
        told = (f"{layer.share:.3g}", f"{layer.rate:.2g}", str(layer.from_epoch))
        if rows and rows[-1][1:] == told:
            rows[-1] = (f"{rows[-1][0].split(' to ')[0]} to {layer.level}", *told)
        else:
            rows.append((layer.level, *told))
    return rows
