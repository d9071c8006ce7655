"""Receptron: a workbench for convolutional networks on PyTorch."""

__version__ = "0.1.0"
