"""`receptron calc` as a person types it."""

import json
import subprocess
import sys

import pytest


def receptron(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "receptron", *words], capture_output=True, text=True)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("calc conv 224 --kernel 7 --stride 2 --padding 3 --in 3 --out 64", ["112 px", "9,472", "118,013,952 MACs", "236,027,904 FLOPs"]),
        ("calc pool 112 --kernel 3 --stride 2 --ceil", ["output size: 56 px"]),
        ("calc transposed 28", ["output size: 56 px"]),
        ("calc linear --in 512 --out 10", ["5,130", "10,240 FLOPs"]),
        ("calc norm --channels 64", ["parameters: 128", "running statistics: 128"]),
        ("calc same --kernel 5 --dilation 2", ["4 x 4 px"]),
        ("calc separable --in 256 --out 512", ["3,699,376,128", "418,267,136", "8.84"]),
        ("calc stacked", ["110,592", "200,704"]),
        ("calc bottleneck", ["69,632", "1,179,648"]),
        ("calc scale --phi 1", ["1.2 x 1.1 x 1.15", "1.92027"]),
        ("calc path 224 28", ["8      8       0        1  exact"]),
    ],
)
def test_answers(words: str, says: list[str]):
    ran = receptron(*words.split())
    assert ran.returncode == 0, ran.stderr
    for text in says:
        assert text in ran.stdout


def test_the_field_of_a_chain_and_the_sizes_along_it():
    assert "receptive field: 7 px" in receptron("calc", "field", "conv 3, conv 3 s2, pool 2 s2").stdout
    assert "111, 55 px" in receptron("calc", "sizes", "conv 3 s2, pool 2").stdout


def test_json_holds_the_whole_derivation():
    first = json.loads(receptron("calc", "conv", "224", "--json").stdout)[0]
    assert first["value"] == 222
    assert first["substituted"] == "⌊(224 - 3 + 2 × 0) / 1⌋ + 1"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["calc", "conv", "2"], "ImageTooSmall: conv 3 does not fit an input of 2 pixels."),
        (["calc", "conv", "2x"], "BadValue: '2x' is not a size."),
        (["calc", "conv", "22", "--padding", "sane"], "Did you mean same"),
        (["calc", "field", "conv 3 q"], "BadValue: cannot read 'q'"),
        (["calc", "conv", "22", "--notation", "html"], "no notation named 'html'"),
    ],
)
def test_a_mistake_gets_a_message_and_exit_code_2(words: list[str], says: str):
    ran = receptron(*words)
    assert ran.returncode == 2
    assert says in ran.stderr
    assert "Traceback" not in ran.stderr
