"""ONNX operators by their torch counterparts: how one is counted and how its field moves follows from what torch does."""
