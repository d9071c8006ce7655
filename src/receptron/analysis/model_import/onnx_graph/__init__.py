"""ONNX graphs as networks to look at: each operator by its torch counterpart, shapes held against onnx's own.

The file is read once (file.py); its nodes become modules that run in their order (graph.py) by a table of operators (table.py); what that
lacks stands in as unknown, of the shape that onnx infers (shapes.py, unknown.py). Constants are reckoned with only while they are small
(bounds.py). Inputs are those of the file (inputs.py).
"""

from receptron.analysis.model_import.onnx_graph.graph import OnnxGraph

__all__ = ["OnnxGraph"]
