"""LSTM, GRU and RNN by torch's own: the order of their gates differs, what they multiply does not.

Other activations, peepholes and a GRU that resets before its product have the same counts and fields as these.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from receptron.analysis.model_import.onnx_graph.calling import Attributes, Rule, given

_ORDERS = {"LSTM": (0, 2, 3, 1), "GRU": (1, 0, 2), "RNN": (0,)}
"""Where torch's gates stand in ONNX: input, output, forget, cell there and input, forget, cell, output here; update, reset, new there."""


def _ordered(stated: Tensor, order: tuple[int, ...]) -> Tensor:
    gates = stated.chunk(len(order))
    return stated if order == tuple(range(len(order))) else torch.cat([gates[i] for i in order])


def _recurrent(op: str, run: Callable[..., Any]) -> Rule:
    def rule(x: list[Any], a: Attributes) -> Any:
        """Inputs: data, W, R, B, lengths, states. Gives: all steps (length, directions, N, width), and the last states."""
        data = x[0].transpose(0, 1) if a.get("layout") else x[0]
        directions, width = x[1].shape[0], x[2].shape[-1]
        backward = a.get("direction", "forward") == "reverse"
        out, *last = run(data.flip(0) if backward else data, *_states(op, x, a, data, directions, width), *_weights(op, x), directions == 2)
        out = (out.flip(0) if backward else out).unflatten(-1, (directions, width)).transpose(1, 2)
        if a.get("layout"):
            out, last = out.permute(2, 0, 1, 3), [state.transpose(0, 1) for state in last]
        return (out, *last)

    return rule


def _weights(op: str, x: list[Any]) -> tuple[list[Tensor], bool]:
    """Torch's list: for each direction what the input is multiplied with, what the state is, and both biases."""
    biased = given(x, 3) is not None
    found: list[Tensor] = []
    for i in range(x[1].shape[0]):
        rows = [x[1][i], x[2][i], *(x[3][i].chunk(2) if biased else ())]
        found += [_ordered(row, _ORDERS[op]) for row in rows]
    return found, biased


def _states(op: str, x: list[Any], a: Attributes, data: Tensor, directions: int, width: int) -> list[Any]:
    """Those that are given, nothing otherwise: (directions, N, width)."""
    several = 2 if op == "LSTM" else 1
    states: list[Tensor] = []
    for index in range(5, 5 + several):
        state = given(x, index)
        if state is None:
            state = torch.zeros(directions, data.shape[1], width, dtype=data.dtype, device=data.device)
        else:
            state = state.transpose(0, 1) if a.get("layout") else state
        states.append(state.contiguous())
    return [states if several > 1 else states[0]]


def _lstm(data: Tensor, states: list[Tensor], weights: list[Tensor], biased: bool, both: bool) -> Any:
    return torch.lstm(data, states, weights, biased, 1, 0.0, False, both, False)


def _gru(data: Tensor, state: Tensor, weights: list[Tensor], biased: bool, both: bool) -> Any:
    return torch.gru(data, state, weights, biased, 1, 0.0, False, both, False)


def _rnn(data: Tensor, state: Tensor, weights: list[Tensor], biased: bool, both: bool) -> Any:
    return torch.rnn_tanh(data, state, weights, biased, 1, 0.0, False, both, False)


RULES: dict[str, Rule] = {"LSTM": _recurrent("LSTM", _lstm), "GRU": _recurrent("GRU", _gru), "RNN": _recurrent("RNN", _rnn)}
