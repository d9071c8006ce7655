"""Networks of the user's own: read, put to the test, and shaped so that they answer as they did; what cannot be trusted is refused."""

import sys
import textwrap
from pathlib import Path

import pytest
import torch

from receptron.errors import BadValue, BundleFault, CheckpointMismatch, ForwardFault, ReceptronError, UnknownName
from receptron.own_net.own_network import OwnNet, read_own
from receptron.own_net.trial import side_that_runs, try_out

HEAD = "import torch\nfrom torch import nn\nimport torch.nn.functional as F\n"
GOOD = {
    "plain Sequential": """
        def net(classes):
            return nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, classes))
        """,
    "class with num_classes, BatchNorm, dropout and view": """
        class Net(nn.Module):
            def __init__(self, num_classes=10):
                super().__init__()
                self.a, self.n, self.d = nn.Conv2d(3, 8, 3, 2), nn.BatchNorm2d(8), nn.Dropout(0.5)
                self.fc = nn.Linear(8 * 16, num_classes)
            def forward(self, x):
                x = F.adaptive_avg_pool2d(F.relu(self.n(self.a(x))), 4)
                return self.fc(self.d(x.view(x.size(0), -1)))
        """,
    "convolutional head": """
        class Net(nn.Module):
            def __init__(self, n_classes):
                super().__init__()
                self.a, self.b = nn.Conv2d(3, 8, 3, 2), nn.Conv2d(8, n_classes, 1)
            def forward(self, x):
                return F.relu(self.a(x)).pipe() if False else self.b(F.relu(self.a(x))).mean((2, 3))
        """,
    "Linear, then log_softmax": """
        class Net(nn.Module):
            def __init__(self, classes):
                super().__init__()
                self.a, self.fc = nn.Conv2d(3, 8, 3, 2), nn.Linear(8, classes)
            def forward(self, x):
                return F.log_softmax(self.fc(self.a(x).mean((2, 3))), dim=1)
        """,
    "asks its own class layer": """
        class Net(nn.Module):
            def __init__(self, classes):
                super().__init__()
                self.a, self.fc = nn.Conv2d(3, 8, 3, 2), nn.Linear(8, classes)
            def forward(self, x):
                x = self.a(x).mean((2, 3))
                return self.fc(x[:, :self.fc.in_features])
        """,
    "stem, stages and head": """
        class Net(nn.Module):
            def __init__(self, classes):
                super().__init__()
                self.stem = nn.Conv2d(3, 8, 3, 2)
                self.stages = nn.ModuleList([nn.Conv2d(8, 8, 3, 2, 1), nn.Conv2d(8, 8, 3, 2, 1)])
                self.head = nn.Sequential()
                self.head.add_module("pool", nn.AdaptiveAvgPool2d(1))
                self.head.add_module("flat", nn.Flatten())
                self.head.add_module("fc", nn.Linear(8, classes))
            def forward(self, x):
                x = self.stem(x)
                for stage in self.stages:
                    x = stage(x)
                return self.head(x)
        """,
    "stem and stages that are not all of it": """
        class Net(nn.Module):
            def __init__(self, classes):
                super().__init__()
                self.stem, self.stages = nn.Conv2d(3, 8, 3, 2), nn.Sequential(nn.Conv2d(8, 8, 3, 2, 1))
                self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
                self.head.add_module("fc", nn.Linear(8, classes))
            def forward(self, x):
                return self.head(self.stages(F.relu(self.stem(x))))
        """,
    "fixed outputs that fit, a last layer of zeros": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.a, self.fc = nn.Conv2d(3, 8, 3, 2), nn.Linear(8, 3)
                nn.init.zeros_(self.fc.weight)
            def forward(self, x):
                return self.fc(self.a(x).mean((2, 3)))
        """,
}
WAYS = {"convolutional head": "", "Linear, then log_softmax": "", "asks its own class layer": "", "plain Sequential": "4"}
BODY = "class Net(nn.Module):\n    def __init__(self, classes):\n        super().__init__()\n        self.a = nn.Conv2d(3, 8, 3, 2)\n"
BODY += "        self.fc = nn.Linear(8, classes)\n"
END = "return self.fc(self.a(x).mean((2, 3)))"
REFUSED = {
    "a tuple": (BODY + f"    def forward(self, x):\n        {END}, x\n", "a tuple of 2"),
    "a tuple while it learns": (
        BODY + "    def forward(self, x):\n        y = self.fc(self.a(x).mean((2, 3)))\n        return (y, y) if self.training else y\n",
        "in training mode",
    ),
    "a dictionary": (BODY + "    def forward(self, x):\n        return {'logits': x}\n", "a dict"),
    "maps": (BODY + "    def forward(self, x):\n        return self.a(x)\n", "not (4, 3)"),
    "NaN": (BODY + "    def forward(self, x):\n        return self.fc(self.a(x).mean((2, 3))) / 0\n", "NaN or infinity"),
    "an error in forward": (BODY + "    def forward(self, x):\n        return self.fcc(x)\n", "net.py, line 10"),
    "an end of the program": (BODY + "    def forward(self, x):\n        raise SystemExit(3)\n", "exit code 3"),
    "an error in __init__": ("class Net(nn.Module):\n    def __init__(self, classes):\n        raise ValueError('no')\n", "line 6"),
    "an argument that is missing": ("class Net(nn.Module):\n    def __init__(self, depth):\n        super().__init__()\n", "depth"),
    "dropout that never ends": (BODY + "    def forward(self, x):\n        return self.fc(F.dropout(self.a(x).mean((2, 3)), 0.5))\n",
                                "in two ways"),
    "statistics of the batch": (
        BODY + "        self.n = nn.BatchNorm2d(8, track_running_stats=False)\n    def forward(self, x):\n"
        "        return self.fc(self.n(self.a(x)).abs().mean((2, 3)))\n", "others stand beside",
    ),
    "changed images": (BODY + f"    def forward(self, x):\n        x.mul_(2)\n        {END}\n", "changes the images"),
    "a loss that cannot go back": (
        BODY + "    def forward(self, x):\n        y = torch.sigmoid(self.a(x).mean((2, 3)))\n        z = self.fc(y)\n        y += 1\n"
        "        return z * y.sum(1, keepdim=True)\n", "a step of learning",
    ),
    "no gradient": (BODY + "    def forward(self, x):\n        return self.fc(self.a(x).mean((2, 3))).detach()\n", "a step of learning"),
    "a generator on self": (BODY + f"        self.g = (i for i in range(3))\n    def forward(self, x):\n        {END}\n", "copying"),
    "results kept on self": (BODY + f"    def forward(self, x):\n        self.y = self.a(x)\n        {END}\n", "after it has learnt"),
    "weights that are no parameters": (
        BODY + "        self.w = torch.randn(8)\n    def forward(self, x):\n        return self.fc(self.w * self.a(x).mean((2, 3)))\n",
        "state_dict was saved and loaded",
    ),
    "layers in a list": (
        BODY + "        self.more = [nn.Linear(8, 8)]\n    def forward(self, x):\n"
        "        return self.fc(self.more[0](self.a(x).mean((2, 3))))\n", "state_dict was saved and loaded",
    ),
    "a counter in eval": (
        BODY + "        self.register_buffer('n', torch.zeros(()))\n    def forward(self, x):\n        self.n += 1\n"
        "        return self.fc(self.a(x).mean((2, 3)))\n", "changes n while it answers",
    ),
    "nothing to learn": ("class Net(nn.Module):\n    def forward(self, x):\n        return x.mean((2, 3))\n", "nothing to learn"),
    "lazy layers": (
        "class Net(nn.Module):\n    def __init__(self, classes):\n        super().__init__()\n"
        "        self.fc = nn.LazyLinear(classes)\n    def forward(self, x):\n        return self.fc(x.flatten(1))\n", "lazy",
    ),
    "a state that is no tensor": (
        BODY + f"    def get_extra_state(self):\n        return {{'a': 1}}\n    def set_extra_state(self, s):\n        pass\n"
        f"    def forward(self, x):\n        {END}\n", "no tensor",
    ),
    "other outputs": (BODY.replace("self, classes", "self").replace("8, classes", "8, 10") + f"    def forward(self, x):\n        {END}\n",
                      "not (4, 3)"),
}  # fmt: skip


def written(folder: Path, text: str, name: str = "net.py") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(HEAD + textwrap.dedent(text))
    return folder / name


def own(folder: Path, text: str, attribute: str = "Net", arguments: str = "") -> OwnNet:
    path = written(folder, text)
    return read_own(f"{path}:{attribute}", arguments)


@pytest.mark.parametrize("kind", GOOD)
def test_each_kind_passes_and_answers_as_it_did_once_it_is_shaped(kind: str, tmp_path: Path):
    text = GOOD[kind]
    net = own(tmp_path, text, "net" if "def net" in text else "Net")
    try_out(net, 3, 3, 32)
    torch.manual_seed(5)
    plain = net.fresh(3, 3).eval()
    torch.manual_seed(5)
    shaped = net.classifier(3, (3, 32)).eval()
    images = torch.randn(6, 3, 32, 32)
    with torch.no_grad():
        assert torch.allclose(plain(images), shaped(images), atol=1e-5)
        scores, embedding = shaped.scores_and_embedding(images)
        assert torch.equal(scores, shaped(images)) and embedding.shape == (6, shaped.embedding_width)
    assert shaped.class_layer == WAYS.get(
        kind, "head.fc" if "not all" not in kind and "stem" in kind else "fc" if "not all" not in kind else "head.fc"
    )
    assert bool(len(shaped.stages)) == (kind == "stem, stages and head")


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_trusted_is_refused_in_plain_words(kind: str, tmp_path: Path):
    text, told = REFUSED[kind]
    with pytest.raises(ReceptronError) as caught:
        try_out(own(tmp_path, text), 3, 3, 32)
    assert told in str(caught.value)
    assert caught.value.mend or isinstance(caught.value, ForwardFault)


def test_arguments_go_by_name_or_place_and_the_classes_are_given_unless_they_name_them(tmp_path: Path):
    text = """
    class Net(nn.Module):
        def __init__(self, width, num_classes=10, in_chans=3):
            super().__init__()
            self.a, self.fc = nn.Conv2d(in_chans, width, 3), nn.Linear(width, num_classes)
        def forward(self, x):
            return self.fc(self.a(x).mean((2, 3)))
    """
    for arguments, width, classes in (('{"width": 5}', 5, 4), ("[6]", 6, 4), ('{"width": 7, "num_classes": 9}', 7, 9), ("[8, 2]", 8, 2)):
        net = own(tmp_path, text, arguments=arguments).fresh(4, 1)
        assert net.fc.weight.shape == (classes, width) and net.a.in_channels == 1
    with pytest.raises(BadValue, match="does not classify"):
        try_out(own(tmp_path, text, arguments="[8, 2]"), 4, 3, 32)
    for wrong in ("{", "3", '"a"'):
        with pytest.raises(BadValue, match="--args"):
            own(tmp_path, text, arguments=wrong)


def test_a_size_at_which_it_runs_is_found(tmp_path: Path):
    text = """
    class Net(nn.Module):
        def __init__(self, classes):
            super().__init__()
            self.fc = nn.Linear(3 * 28 * 28, classes)
        def forward(self, x):
            return self.fc(x.reshape(len(x), -1))
    """
    assert side_that_runs(own(tmp_path, text), 3, 3) == 28


@pytest.mark.parametrize("name", ["gone.py:Net", "net.txt", "receptron.zoo:build", "a:b", ".py", "folder/"])
def test_a_net_that_is_no_python_file_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadValue, match="no Python file"):
        read_own(name)


def test_names_that_are_not_there_or_make_no_networks_are_refused(tmp_path: Path):
    path = written(
        tmp_path, GOOD["convolutional head"] + "\n        class Other(nn.Module):\n            pass\n        made, five = Other(), 5\n"
    )
    with pytest.raises(UnknownName):
        read_own(f"{path}:Nett")
    with pytest.raises(BadValue, match="2 networks"):
        read_own(str(path))
    for name in ("made", "five"):
        with pytest.raises(BadValue, match="makes no networks"):
            read_own(f"{path}:{name}")
    with pytest.raises(ForwardFault, match="line 1"):
        (tmp_path / "odd.py").write_text("def (:\n")
        read_own(str(tmp_path / "odd.py"))


SIBLING = "from torch import nn\ndef block(c):\n    return nn.Conv2d(3, c, 3, 2)\n"
USING = """
from layers import block
class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.a, self.fc = block(8), nn.Linear(8, classes)
    def forward(self, x):
        return self.fc(self.a(x).mean((2, 3)))
"""


def test_neighbours_that_are_imported_count_and_two_folders_do_not_mix(tmp_path: Path):
    nets: list[OwnNet] = []
    for width in (8, 16):
        folder = tmp_path / str(width)
        folder.mkdir()
        (folder / "layers.py").write_text(SIBLING.replace("c, 3, 2", f"c, {3 if width == 8 else 5}, 2"))
        (folder / "unused.py").write_text("raise SystemExit\n")
        nets.append(own(folder, USING))
    assert [set(net.record.sources) for net in nets] == [{"net.py", "layers.py"}] * 2
    assert [net.fresh(3, 3).a.kernel_size[0] for net in nets] == [3, 5]
    assert nets[0].record.sources["layers.py"] != nets[1].record.sources["layers.py"]


def test_a_package_with_relative_imports_counts_whole(tmp_path: Path):
    package = tmp_path / "nets"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "layers.py").write_text(SIBLING)
    net = own(package, USING.replace("from layers", "from .layers"))
    assert set(net.record.sources) == {"nets/__init__.py", "nets/layers.py", "nets/net.py"} and net.record.file == "nets/net.py"
    try_out(net, 3, 3, 32)


def test_the_same_file_is_taken_and_another_refused_before_it_runs(tmp_path: Path):
    (tmp_path / "layers.py").write_text(SIBLING)
    path, marker = written(tmp_path, USING), tmp_path / "ran"
    record = read_own(f"{path}:Net").record
    assert read_own(str(path), record=record).record == record
    with pytest.raises(BundleFault, match=r"not with net\.py:Other"):
        read_own(f"{path}:Other", record=record)
    evil = f"open({str(marker)!r}, 'w')\n"
    for name in ("layers.py", "net.py"):
        before = (tmp_path / name).read_text()
        (tmp_path / name).write_text(evil + before)
        with pytest.raises(BundleFault, match="nothing of it was run") as caught:
            read_own(f"{path}:Net", record=record)
        assert record.sources[name] in caught.value.why and caught.value.why.count("sha256") == 1
        (tmp_path / name).unlink()
        with pytest.raises((BundleFault, BadValue), match="no such file"):
            read_own(f"{path}:Net", record=record)
        (tmp_path / name).write_text(before)
    assert not marker.exists()
    assert read_own(str(path), record=record).place == "net.py:Net"


def test_a_compiled_copy_that_says_something_else_is_not_run(tmp_path: Path):
    """Python takes a .pyc whose stamp fits for the source itself; its bytes are in no digest."""
    import py_compile

    (tmp_path / "layers.py").write_text(SIBLING)
    source = (tmp_path / "layers.py").stat()
    evil = tmp_path / "evil.py"
    evil.write_text(SIBLING.replace("c, 3, 2", "c, 7, 2"))
    import os

    os.utime(evil, ns=(source.st_atime_ns, source.st_mtime_ns))
    cached = Path(py_compile.compile(str(evil), cfile=str(tmp_path / "evil.pyc")) or "")
    target = tmp_path / "__pycache__" / f"layers.{sys.implementation.cache_tag}.pyc"
    target.parent.mkdir()
    target.write_bytes(cached.read_bytes())
    assert evil.stat().st_size == source.st_size
    assert own(tmp_path, USING).fresh(3, 3).a.kernel_size == (3, 3)


def test_weights_fit_by_name_and_shape_and_only_the_class_layer_may_differ(tmp_path: Path):
    net = own(tmp_path, GOOD["class with num_classes, BatchNorm, dropout and view"])
    state = net.fresh(7, 3).state_dict()
    same = net.classifier(7, (3, 32), state)
    assert torch.equal(same.stem.net.a.weight, state["a.weight"]) and torch.equal(same.head.fc.weight, state["fc.weight"])
    assert same.fitted == ()
    other = net.classifier(3, (3, 32), state)
    assert other.head.fc.weight.shape[0] == 3 and torch.equal(other.stem.net.a.weight, state["a.weight"])
    assert "3 classes were asked for, the file has 7" in other.fitted[0]
    wrong = {
        "missing": {k: v for k, v in state.items() if k != "a.bias"},
        "no tensor of it": state | {"more": torch.zeros(1)},
        "not [8, 3, 3, 3]": state | {"a.weight": torch.zeros(8, 3, 5, 5)},
        "fc.weight": state | {"fc.weight": torch.zeros(7, 5)},
    }
    for told, one in wrong.items():
        with pytest.raises(CheckpointMismatch, match=told.replace("[", r"\[")):
            net.classifier(3, (3, 32), one)
