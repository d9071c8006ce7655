"""ONNX files as different makers write them, by hand: nodes as text, weights by shape, and what they cost, reckoned by hand."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np


class Made(NamedTuple):
    """A file, and the truth about it. `field` and `jump` are those of the value named last along its rows, None where it is global."""

    text: str
    weights: dict[str, Any]
    macs: int
    parameters: int
    shape: tuple[int, ...]
    field: int | None
    jump: float | None = None
    versions: dict[str, int] = {"": 17}
    ir: int = 8
    external: bool = False


def whole(*values: int, kind: str = "int64") -> Any:
    return np.array(values, kind)


MAKERS: dict[str, Made] = {
    # Channels last outside, a transpose at either end; 64 wide at stride 2 padded by 0 before and 1 behind.
    "TensorFlow": Made(
        """g (float[1,64,64,3] images) => (float[1,5] scores) {
            t = Transpose<perm=[0,3,1,2]>(images)
            c = Conv<auto_pad="SAME_UPPER", strides=[2,2], kernel_shape=[3,3]>(t, w, b)
            r = Clip(c, zero, six)
            d = Conv<auto_pad="SAME_UPPER", group=8>(r, dw)
            p = MaxPool<kernel_shape=[3,3], strides=[2,2], auto_pad="SAME_UPPER">(d)
            back = Transpose<perm=[0,2,3,1]>(p)
            m = ReduceMean<axes=[1,2], keepdims=0>(back)
            f = MatMul(m, k)
            scores = Add(f, kb)
        }""",
        {"w": (8, 3, 3, 3), "b": (8,), "dw": (8, 1, 3, 3), "k": (8, 5), "kb": (5,), "zero": np.float32(0), "six": np.float32(6)},
        macs=32 * 32 * 8 * 27 + 32 * 32 * 8 * 9 + 8 * 5, parameters=216 + 8 + 72 + 40 + 5, shape=(1, 5), field=None, versions={"": 13},
    ),
    # A recurrent head on rows, the GRU that resets before its product (reset_after=False).
    "Keras": Made(
        """g (float[1,20,6] x) => (float[1,3] y) {
            t = Transpose<perm=[0,2,1]>(x)
            c = Conv<auto_pad="SAME_LOWER", kernel_shape=[4]>(t, w, b)
            e = Elu<alpha=1.0>(c)
            s = Transpose<perm=[2,0,1]>(e)
            steps, last = GRU<hidden_size=7, linear_before_reset=0>(s, gw, gr, gb)
            q = Squeeze(last, front)
            y = Gemm<transB=0>(q, k, kb)
        }""",
        {"w": (5, 6, 4), "b": (5,), "gw": (1, 21, 5), "gr": (1, 21, 7), "gb": (1, 42), "k": (7, 3), "kb": (3,), "front": whole(0)},
        macs=20 * 5 * 6 * 4 + 20 * (21 * 5 + 21 * 7) + 21, parameters=120 + 5 + 105 + 147 + 42 + 21 + 3, shape=(1, 3), field=None,
    ),
    # Sizes reckoned in the graph from the shape of the input; squeeze and excitation by HardSigmoid.
    "Paddle": Made(
        """g (float[1,3,33,47] image) => (float[1,12,33,47] out) {
            c = Conv<pads=[1,1,1,1], strides=[2,2], dilations=[1,1], group=1>(image, w)
            n = BatchNormalization<epsilon=0.00001, momentum=0.9>(c, scale, shift, mean, var)
            h = HardSwish(n)
            g1 = GlobalAveragePool(h)
            s1 = Conv(g1, sw, sb)
            s2 = HardSigmoid<alpha=0.2, beta=0.5>(s1)
            e = Mul(h, s2)
            sizes = Shape(image)
            front = Slice(sizes, two, four, zero)
            channels = Slice(sizes, zero, two, zero)
            kept = Shape(e)
            lead = Slice(kept, zero, two, zero)
            target = Concat<axis=0>(lead, front)
            out = Resize<mode="linear", coordinate_transformation_mode="half_pixel">(e, , , target)
        }""",
        {
            "w": (12, 3, 3, 3), "scale": (12,), "shift": (12,), "mean": (12,), "var": (12,), "sw": (12, 12, 1, 1), "sb": (12,),
            "two": whole(2), "four": whole(4), "zero": whole(0),
        },
        macs=17 * 24 * 12 * 27 + 144, parameters=324 + 24 + 144 + 12, shape=(1, 12, 33, 47), field=None, versions={"": 14},
    ),
    # Weights listed among the inputs, responses normalised across channels, groups, a pool that rounds up, an inner product.
    "Caffe": Made(
        """g (float[1,3,64,64] data, float[8,3,11,11] w1, float[8] b1, float[16,4,5,5] w2, float[16] b2, float[10,400] w3, float[10] b3)
            => (float[1,10] prob) {
            c1 = Conv<kernel_shape=[11,11], strides=[4,4]>(data, w1, b1)
            r1 = Relu(c1)
            n1 = LRN<size=5, alpha=0.0001, beta=0.75>(r1)
            p1 = MaxPool<kernel_shape=[2,2], strides=[2,2]>(n1)
            c2 = Conv<kernel_shape=[5,5], pads=[1,1,1,1], group=2>(p1, w2, b2)
            d = Dropout<ratio=0.5>(c2)
            f = Reshape(d, flat)
            g1 = Gemm<transB=1, alpha=1.0, beta=1.0>(f, w3, b3)
            prob = Softmax<axis=1>(g1)
        }""",
        {"w1": (8, 3, 11, 11), "b1": (8,), "w2": (16, 4, 5, 5), "b2": (16,), "w3": (10, 400), "b3": (10,), "flat": whole(1, -1)},
        macs=14 * 14 * 8 * 363 + 5 * 5 * 16 * 100 + 4000, parameters=2904 + 8 + 1600 + 16 + 4000 + 10, shape=(1, 10), field=None,
        versions={"": 7}, ir=3,
    ),
    # Whole numbers all through: QLinearConv with a scale a filter, depthwise behind it, onnxruntime's own average pool.
    "mobile, quantized": Made(
        """g (uint8[1,3,48,48] x) => (uint8[1,16,1,1] y) {
            a = QLinearConv<strides=[2,2], pads=[0,0,1,1]>(x, one, zero, w, ws, wz, one, zero, b)
            c = QLinearConv<group=16, pads=[1,1,1,1]>(a, one, zero, dw, ws, wz, one, zero)
            y = com.microsoft.QLinearGlobalAveragePool<channels_last=0>(c, one, zero, one, zero)
        }""",
        {
            "w": np.ones((16, 3, 3, 3), "int8"), "dw": np.ones((16, 1, 3, 3), "int8"), "b": np.ones(16, "int32"),
            "ws": np.ones(16, "float32"),
            "wz": np.zeros(16, "int8"), "one": np.float32(1), "zero": np.uint8(0),
        },
        macs=24 * 24 * 16 * 27 + 24 * 24 * 16 * 9, parameters=432 + 144 + 16, shape=(1, 16, 1, 1), field=None,
        versions={"": 13, "com.microsoft": 1},
    ),
    # Real numbers between quantizing and its reverse, weights as int8 with a scale a filter.
    "quantized in pairs": Made(
        """g (float[1,3,32,32] x) => (float[1,8,15,15] y) {
            q = QuantizeLinear(x, one, zero)
            d = DequantizeLinear(q, one, zero)
            wd = DequantizeLinear<axis=0>(w, ws, wz)
            c = Conv<strides=[2,2]>(d, wd, b)
            y = Relu(c)
        }""",
        {
            "w": np.ones((8, 3, 3, 3), "int8"), "ws": np.ones(8, "float32"), "wz": np.zeros(8, "int8"), "b": (8,), "one": np.float32(1),
            "zero": np.uint8(0),
        },
        macs=15 * 15 * 8 * 27, parameters=216 + 8, shape=(1, 8, 15, 15), field=3, jump=2, versions={"": 19}, ir=9,
    ),
    # Routes and a reorg: a pool at stride 1 that keeps the size, upsampling by a constant, leaky units.
    "Darknet": Made(
        """g (float[1,3,64,64] net_000) => (float[1,18,32,32] out) {
            c1 = Conv<auto_pad="SAME_LOWER", kernel_shape=[3,3], dilations=[1,1]>(net_000, w1)
            n1 = BatchNormalization<epsilon=0.00001>(c1, s, t, m, v)
            l1 = LeakyRelu<alpha=0.1>(n1)
            p1 = MaxPool<auto_pad="SAME_UPPER", kernel_shape=[2,2], strides=[2,2]>(l1)
            p2 = MaxPool<auto_pad="SAME_UPPER", kernel_shape=[2,2], strides=[1,1]>(p1)
            c2 = Conv<auto_pad="SAME_LOWER", kernel_shape=[3,3], strides=[2,2]>(p2, w2)
            u = Upsample<mode="nearest">(c2, twice)
            deep = SpaceToDepth<blocksize=2>(l1)
            route = Concat<axis=1>(u, deep, p2)
            out = Conv<auto_pad="VALID", kernel_shape=[1,1]>(route, w3, b3)
        }""",
        {
            "w1": (4, 3, 3, 3), "s": (4,), "t": (4,), "m": (4,), "v": (4,), "w2": (8, 4, 3, 3), "w3": (18, 28, 1, 1), "b3": (18,),
            "twice": np.array([1, 1, 2, 2], "float32"),
        },
        macs=64 * 64 * 4 * 27 + 16 * 16 * 8 * 36 + 32 * 32 * 18 * 28, parameters=108 + 8 + 288 + 504 + 18, shape=(1, 18, 32, 32),
        field=10, jump=2, versions={"": 9},
    ),
    # Weights in another file that is not there, group norm and GELU as operators, attention in one node.
    "opset 23, weights elsewhere": Made(
        """g (float[1,16,8,8] x) => (float[1,64,16] y) {
            n = GroupNormalization<num_groups=4, epsilon=0.00001>(x, s, t)
            c = Conv<pads=[1,1,1,1]>(n, w)
            a = Gelu<approximate="tanh">(c)
            f = Reshape<allowzero=1>(a, rows)
            r = Transpose<perm=[0,2,1]>(f)
            q = MatMul(r, wq)
            k = MatMul(r, wk)
            v = MatMul(r, wv)
            h = Attention<q_num_heads=2, kv_num_heads=2>(q, k, v)
            y = LayerNormalization<axis=-1>(h, ls, lt)
        }""",
        {
            "s": (16,), "t": (16,), "w": (16, 16, 3, 3), "wq": (16, 16), "wk": (16, 16), "wv": (16, 16), "ls": (16,), "lt": (16,),
            "rows": whole(1, 16, 64),
        },
        macs=64 * 16 * 144 + 3 * 64 * 256 + 2 * 64 * 64 * 16, parameters=32 + 2304 + 768 + 32, shape=(1, 64, 16), field=None,
        versions={"": 23}, ir=11, external=True,
    ),
    # Made for images: a transposed convolution by the size that it shall give, channels to places, instance norms, slopes a channel.
    "MXNet": Made(
        """g (float[1,4,16,20] x) => (float[1,3,96,120] y) {
            p = Pad<mode="reflect">(x, around)
            c = Conv<kernel_shape=[3,3]>(p, w1)
            i = InstanceNormalization<epsilon=0.00001>(c, s, t)
            a = PRelu(i, slope)
            d = ConvTranspose<strides=[3,3], kernel_shape=[4,4], auto_pad="SAME_UPPER">(a, w2)
            y = DepthToSpace<blocksize=2, mode="DCR">(d)
        }""",
        {"w1": (6, 4, 3, 3), "s": (6,), "t": (6,), "slope": (6, 1, 1), "w2": (6, 12, 4, 4), "around": whole(0, 0, 1, 1, 0, 0, 1, 1)},
        macs=16 * 20 * 6 * 36 + 16 * 20 * 6 * 12 * 16, parameters=216 + 12 + 6 + 1152, shape=(1, 3, 96, 120), field=None,
        versions={"": 11}, ir=6,
    ),
    # Attributes where later versions have inputs, sizes by Gather and Unsqueeze, padding as a node, channels shuffled by hand.
    "Caffe2": Made(
        """g (float[1,8,20,20] x) => (float[1,8,9,9] y) {
            z = Pad<mode="constant", pads=[0,0,1,0,0,0,0,1], value=0.0>(x)
            left, right = Split<axis=1, split=[4,4]>(z)
            c = Conv<kernel_shape=[3,3], group=2>(right, w)
            cut = Slice<axes=[2,3], starts=[1,1], ends=[20,20]>(left)
            crop = Slice<axes=[2,3], starts=[0,0], ends=[19,19]>(c)
            j = Concat<axis=1>(cut, crop)
            sizes = Shape(j)
            n = Gather<axis=0>(sizes, zero)
            nu = Unsqueeze<axes=[0]>(n)
            apart = Concat<axis=0>(nu, two, four, rows, rows)
            r = Reshape(j, apart)
            t = Transpose<perm=[0,2,1,3,4]>(r)
            together = Concat<axis=0>(nu, eight, rows, rows)
            s = Reshape(t, together)
            y = AveragePool<kernel_shape=[3,3], strides=[2,2]>(s)
        }""",
        {"w": (4, 2, 3, 3), "zero": np.int64(0), "two": whole(2), "four": whole(4), "eight": whole(8), "rows": whole(19)},
        macs=19 * 19 * 4 * 18, parameters=72, shape=(1, 8, 9, 9), field=5, jump=2, versions={"": 9}, ir=4,
    ),
    # After onnxruntime's optimiser: activations inside convolutions.
    "onnxruntime": Made(
        """g (float[2,3,16,16] x) => (y) {
            c = com.microsoft.FusedConv<activation="Relu", pads=[1,1,1,1]>(x, w, b)
            d = com.microsoft.FusedConv<activation="LeakyRelu", activation_params=[0.1], strides=[2,2]>(c, v)
            f = Flatten(d)
            y = com.microsoft.FusedMatMul<alpha=0.5, transB=1>(f, k)
        }""",
        {"w": (4, 3, 3, 3), "b": (4,), "v": (4, 4, 2, 2), "k": (7, 256)},
        macs=2 * (256 * 4 * 27 + 64 * 4 * 16 + 7 * 256), parameters=108 + 4 + 64 + 1792, shape=(2, 7), field=None,
        versions={"": 17, "com.microsoft": 1},
    ),
    # Functions of the file's own, one within the other.
    "functions": Made(
        """g (float[1,4,10,10] x) => (y) {
            a = own.Twice(x, w)
            y = own.Twice(a, w)
        }
        <opset_import: ["" : 17], domain: "own"> Once (x, w) => (y) { a = Conv(x, w)  y = Softplus(a) }
        <opset_import: ["" : 17, "own" : 1], domain: "own"> Twice (x, w) => (y) { a = own.Once(x, w)  y = own.Once(a, w) }""",
        {"w": (4, 4, 2, 2)},
        macs=64 * (81 + 64 + 49 + 36), parameters=64, shape=(1, 4, 6, 6), field=5, jump=1, versions={"": 17, "own": 1},
    ),
}  # fmt: skip


def write(made: Made, path: Path) -> None:
    """The file, with weights drawn by chance."""
    import onnx

    imports = ", ".join(f'"{domain}" : {version}' for domain, version in made.versions.items())
    model = onnx.parser.parse_model(f"<ir_version: {made.ir}, opset_import: [{imports}]>\n{made.text}")
    chance = np.random.default_rng(0)
    for name, said in made.weights.items():
        array = chance.uniform(0.5, 1, said).astype("float32") if isinstance(said, tuple) else np.asarray(said)
        tensor = onnx.numpy_helper.from_array(array, name)
        if made.external and array.dtype == np.float32:
            tensor.ClearField("raw_data")
            tensor.data_location = onnx.TensorProto.EXTERNAL
            tensor.external_data.add(key="location", value="weights.bin")
        model.graph.initializer.append(tensor)
    path.write_bytes(model.SerializeToString())
