"""Names of ConvNeXt's, ViT's and Swin's parameters in other libraries."""

from receptron.weights.keymap import KeyMap, Rule
from receptron.zoo.vit import STAGES, TABLE

_CONVNEXT = "stages.{s}.blocks.{b}.body"
# torchvision keeps stem, stages and the layers between them in one list: 0 stem, 1 stage, 2 down, 3 stage, ...
_NUMBERED: tuple[Rule, ...] = tuple(
    rule
    for s in range(4)
    for rule in (
        (f"features.{2 * s}.0.*", f"stages.{s}.down.norm.*" if s else "stem.conv.*"),
        (f"features.{2 * s}.1.*", f"stages.{s}.down.conv.*" if s else "stem.norm.*"),
        (f"features.{2 * s + 1}.{{b}}.layer_scale", f"stages.{s}.blocks.{{b}}.body.gain.gain"),
        *(
            (f"features.{2 * s + 1}.{{b}}.block.{at}.*", f"stages.{s}.blocks.{{b}}.body.{ours}.*")
            for at, ours in ((0, "spatial"), (2, "norm"), (3, "widen"), (5, "narrow"))
        ),
    )
)
CONVNEXT = KeyMap("torchvision", (*_NUMBERED, ("classifier.0.*", "head.norm.*"), ("classifier.2.*", "head.fc.*")))
CONVNEXT_TIMM = KeyMap(
    "timm",
    (
        ("stem.0.*", "stem.conv.*"),
        ("stem.1.*", "stem.norm.*"),
        ("stages.{s}.downsample.0.*", "stages.{s}.down.norm.*"),
        ("stages.{s}.downsample.1.*", "stages.{s}.down.conv.*"),
        ("stages.{s}.blocks.{b}.gamma", f"{_CONVNEXT}.gain.gain"),
        ("stages.{s}.blocks.{b}.conv_dw.*", f"{_CONVNEXT}.spatial.*"),
        ("stages.{s}.blocks.{b}.norm.*", f"{_CONVNEXT}.norm.*"),
        ("stages.{s}.blocks.{b}.mlp.fc1.*", f"{_CONVNEXT}.widen.*"),
        ("stages.{s}.blocks.{b}.mlp.grn.weight", f"{_CONVNEXT}.responses.gain"),
        ("stages.{s}.blocks.{b}.mlp.grn.bias", f"{_CONVNEXT}.responses.bias"),
        ("stages.{s}.blocks.{b}.mlp.fc2.*", f"{_CONVNEXT}.narrow.*"),
        ("head.norm.*", "head.norm.*"),
        ("head.fc.*", "head.fc.*"),
    ),
)
_LAYER = (  # torchvision, timm, ours
    ("ln_1.*", "norm1.*", "attend.body.norm.*"),
    ("self_attention.in_proj_*", "attn.qkv.*", "attend.body.attention.qkv.*"),
    ("self_attention.out_proj.*", "attn.proj.*", "attend.body.attention.out.*"),
    ("ln_2.*", "norm2.*", "think.body.norm.*"),
    ("mlp.0.*", "mlp.fc1.*", "think.body.widen.*"),
    ("mlp.3.*", "mlp.fc2.*", "think.body.narrow.*"),
    ("mlp.linear_1.*", "mlp.fc1.*", "think.body.widen.*"),  # torchvision's files from before 0.14
    ("mlp.linear_2.*", "mlp.fc2.*", "think.body.narrow.*"),
)


def vit(name: str, source: str) -> KeyMap:
    """Their layers stand in one row, ours in four stages."""
    each = TABLE[name].layers // STAGES
    torchvision = source == "torchvision"
    layer = "encoder.layers.encoder_layer_" if torchvision else "blocks."
    outer = ("conv_proj.*", "class_token", "encoder.pos_embedding", "encoder.ln.*", "heads.head.*")
    if not torchvision:
        outer = ("patch_embed.proj.*", "cls_token", "pos_embed", "norm.*", "head.*")
    ours = ("stem.conv.*", "stem.token", "stem.position", "head.norm.*", "head.fc.*")
    inner = [
        (f"{layer}{i}.{row[0 if torchvision else 1]}", f"stages.{i // each}.{i % each}.{row[2]}")
        for i in range(TABLE[name].layers)
        for row in _LAYER
    ]
    return KeyMap(source, (*zip(outer, ours, strict=True), *inner))


def _swin(source: str, stem: tuple[str, str], down: str, block: str, end: tuple[str, str]) -> KeyMap:
    """`down` and `block` are their templates of stage s and block b."""
    torchvision = source == "torchvision"
    names = (("attn.relative_position_bias_table", "attend.body.attention.table"), ("attn.relative_position_index", None))
    theirs = ("attn.qkv", "attn.proj", *(("mlp.0", "mlp.3") if torchvision else ("mlp.fc1", "mlp.fc2")), "norm1", "norm2")
    ours = ("attend.body.attention.qkv", "attend.body.attention.out", "think.body.widen", "think.body.narrow")
    layers = dict(zip(theirs, (*ours, "attend.body.norm", "think.body.norm"), strict=True))
    rules: list[Rule] = [
        (f"{a}.*", f"{b}.*") for a, b in zip((*stem, *end), ("stem.conv", "stem.norm", "head.norm", "head.fc"), strict=True)
    ]
    for s in range(4):
        rules += [(f"{down.format(2 * s if torchvision else s)}.{part}.*", f"stages.{s}.down.{part}.*") for part in ("norm", "reduction")]
        at, here = block.format(2 * s + 1 if torchvision else s), f"stages.{s}.blocks.{{b}}"
        rules += [(f"{at}.{a}", b and f"{here}.{b}") for a, b in names]
        rules += [(f"{at}.{a}.*", f"{here}.{b}.*") for a, b in layers.items()]
    return KeyMap(source, tuple(rules))


SWIN = _swin("torchvision", ("features.0.0", "features.0.2"), "features.{}", "features.{}.{{b}}", ("norm", "head"))
SWIN_TIMM = _swin("timm", ("patch_embed.proj", "patch_embed.norm"), "layers.{}.downsample", "layers.{}.blocks.{{b}}", ("norm", "head.fc"))
