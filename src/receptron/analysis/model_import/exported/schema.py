"""What is read of an exported program's JSON, by type; names are those of torch's own schema (torch/_export/serde/schema.py).

What nothing here needs (opset versions, call trees, hints) is not read; an argument of a kind that is not listed is refused.
"""

from msgspec import Struct


class SymExpr(Struct):
    """An expression in text, which nothing evaluates."""

    expr_str: str


class ExportedSize(Struct, forbid_unknown_fields=True):
    """An extent: a number, or an expression such as s0 of what the caller chooses."""

    as_int: int | None = None
    as_expr: SymExpr | None = None


class TensorMeta(Struct):
    """What is stated of a tensor; `dtype` by torch's number."""

    dtype: int
    sizes: list[ExportedSize]
    strides: list[ExportedSize] = []
    storage_offset: ExportedSize | None = None
    requires_grad: bool = False


class Name(Struct):
    """A value of the graph."""

    name: str


class NumberOrName(Struct):
    """A number of the graph, by value or by name."""

    as_int: int | None = None
    as_float: float | str | None = None
    as_bool: bool | None = None
    as_name: str | None = None


class OptionalTensor(Struct):
    """A tensor of the graph, or none."""

    as_tensor: Name | None = None
    as_none: bool | None = None


class ExportedDevice(Struct):
    """Where a tensor was; here all are on the meta device."""

    type: str


class Complex(Struct):
    """A complex number."""

    real: float
    imag: float


class SubGraph(Struct):
    """A graph that a node calls."""

    name: str
    graph: "ExportedGraph"


class Argument(Struct, forbid_unknown_fields=True):
    """Exactly one of these is there."""

    as_none: bool | None = None
    as_tensor: Name | None = None
    as_tensors: list[Name] | None = None
    as_int: int | None = None
    as_ints: list[int] | None = None
    as_float: float | str | None = None
    as_floats: list[float | str] | None = None
    as_string: str | None = None
    as_sym_int: NumberOrName | None = None
    as_sym_ints: list[NumberOrName] | None = None
    as_scalar_type: int | None = None
    as_memory_format: int | None = None
    as_layout: int | None = None
    as_device: ExportedDevice | None = None
    as_bool: bool | None = None
    as_bools: list[bool] | None = None
    as_sym_bool: NumberOrName | None = None
    as_sym_bools: list[NumberOrName] | None = None
    as_graph: SubGraph | None = None
    as_optional_tensors: list[OptionalTensor] | None = None
    as_sym_float: NumberOrName | None = None
    as_sym_floats: list[NumberOrName] | None = None
    as_optional_tensor: OptionalTensor | None = None
    as_complex: Complex | None = None


class NamedArgument(Struct):
    """An argument under its name in the operator's schema."""

    name: str
    arg: Argument


class Node(Struct):
    """One call of an operator; `metadata` notes the modules it was made in."""

    target: str
    inputs: list[NamedArgument]
    outputs: list[Argument]
    metadata: dict[str, str] = {}


class ExportedGraph(Struct):
    """Nodes in their order, and what is stated of each value."""

    inputs: list[Argument]
    outputs: list[Argument]
    nodes: list[Node]
    tensor_values: dict[str, TensorMeta] = {}


class OwnedInput(Struct):
    """An input of the graph that the network owns."""

    arg: Name
    parameter_name: str | None = None
    buffer_name: str | None = None
    tensor_constant_name: str | None = None
    persistent: bool = False


class UserInput(Struct):
    """An input that the caller gives."""

    arg: Argument


class ConstantInput(Struct):
    """An input that was the same number at every call."""

    name: str


class ExportedInputSpec(Struct, forbid_unknown_fields=True):
    """Exactly one of these is there."""

    user_input: UserInput | None = None
    parameter: OwnedInput | None = None
    buffer: OwnedInput | None = None
    tensor_constant: OwnedInput | None = None
    constant_input: ConstantInput | None = None


class UserOutput(Struct):
    """An output that the caller gets."""

    arg: Argument


class OutputSpec(Struct):
    """Outputs of other kinds (updated buffers) are not given to the caller."""

    user_output: UserOutput | None = None


class Signature(Struct):
    """What the inputs and outputs of the graph stand for."""

    input_specs: list[ExportedInputSpec]
    output_specs: list[OutputSpec]


class GraphModule(Struct):
    """The graph with its signature."""

    graph: ExportedGraph
    signature: Signature


class SchemaVersion(Struct):
    """The version of torch's schema."""

    major: int


class Range(Struct):
    """Within what an extent may lie."""

    min_val: int | None = None
    max_val: int | None = None


class ExportedProgram(Struct):
    """The whole program, without its weights."""

    graph_module: GraphModule
    schema_version: SchemaVersion
    range_constraints: dict[str, Range] = {}
    guards_code: list[str] = []


class Payload(Struct):
    """Where a weight lies; weights that are tied lie in one place."""

    path_name: str
    use_pickle: bool = False
    tensor_meta: TensorMeta | None = None


class PayloadConfig(Struct):
    """Where each weight lies, by its name."""

    config: dict[str, Payload]
