"""The nets that every run of the tests looks at: of each family the smallest, and those that are built otherwise. A campaign takes all."""

import pytest

from receptron.zoo.nets import ZOO

EVERY_DAY = {
    "lenet5", "lenet5_1998", "alexnet", "alexnet_2012", "vgg11_bn", "googlenet_auxiliary", "googlenet_2014", "inception_v3",
    "resnet18", "resnet18d", "resnet50d", "resnext50_32x4d", "wide_resnet50_2", "se_resnet50", "cbam_resnet50", "cifar_resnet20",
    "resnet18_v2", "resnet18_v2_plain", "densenet121", "senet154", "mobilenet_v1_025", "mobilenet_v2", "mobilenet_v2_tf",
    "mobilenet_v3_small", "mobilenet_v3_small_tf", "mobilenet_v3_small_timm", "mobilenet_v4_conv_small", "mobilenet_v4_hybrid_medium",
    "xception", "squeezenet1_0", "squeezenet1_1", "efficientnet_b0", "efficientnet_b0_tf", "efficientnet_lite0",
    "efficientnet_lite0_timm", "efficientnet_v2_s", "efficientnet_v2_s_tf", "convnext_tiny", "convnext_v2_atto", "convnext_ladder_06",
    "vit_s_16", "regnet_y_200mf", "regnet_y_800mf_pycls", "repvgg_a0", "repvgg_b1g4", "repvgg_d2se", "swin_t", "swin_b_384", "unet",
    "unet_2015", "deeplabv3_resnet50", "deeplabv3_resnet50_os16", "conv4", "koch",
}  # fmt: skip


def daily(*values: str) -> object:
    """A case of a net, the last of `values`: part of a campaign where it is none of every day."""
    return pytest.param(*values, marks=[] if values[-1] in EVERY_DAY else pytest.mark.campaign)


NETS = [daily(name) for name in ZOO]
