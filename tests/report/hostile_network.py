"""Names that try to be more than names, and a network that bears them."""

from torch import nn

NAMES = (
    "</script><script>canary()</script>",
    '" onmouseover="canary()',
    "<img src=x onerror=canary()>",
    "{{7*7}}{% raw %}",
    "javascript:canary()",
    "--><svg onload=canary()>",
    "\u2028]]>&lt;b&gt;",
)


def hostile_net() -> nn.Module:
    """Modules and classes whose names are all of these; a dot cannot stand in a module's name."""
    net = nn.Sequential()
    for name in NAMES:
        kind = type(name, (nn.Conv2d,), {})
        net.add_module(name.replace(".", ""), kind(3, 3, 3, stride=2))
    return net
