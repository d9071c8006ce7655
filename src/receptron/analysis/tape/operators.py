"""What every ATen operator is: counted in multiply-accumulates, free of them, or unknown. The groups say why it is free.

Names are those of the tape: without overload, without the underscore of in-place forms.
"""

from receptron.analysis.tape.views import PRODUCTS


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


MULTIPLIED = frozenset(["convolution", *PRODUCTS])
"""Sums of products: counted by `macs`."""

NORMALISED = _names(
    """
    native_batch_norm _native_batch_norm_legit _native_batch_norm_legit_no_training _batch_norm_with_update cudnn_batch_norm
    native_layer_norm native_group_norm batch_norm layer_norm group_norm instance_norm _fused_rms_norm rms_norm
    _weight_norm_interface
    """
)

POOLED = _names(
    """
    max_pool2d_with_indices max_pool3d_with_indices avg_pool1d avg_pool2d avg_pool3d _adaptive_avg_pool2d _adaptive_avg_pool3d
    adaptive_avg_pool1d adaptive_max_pool2d adaptive_max_pool3d max_pool1d max_pool2d max_pool3d fractional_max_pool2d
    mkldnn_max_pool2d adaptive_max_pool1d
    """
)

RESIZED = _names(
    """
    upsample_nearest1d upsample_nearest2d upsample_nearest3d upsample_bilinear2d upsample_bicubic2d upsample_linear1d
    upsample_trilinear3d _upsample_bilinear2d_aa _upsample_bicubic2d_aa grid_sampler_2d grid_sampler_3d _upsample_nearest_exact2d
    _upsample_nearest_exact1d _upsample_nearest_exact3d
    """
)

ELEMENTWISE = _names(
    """
    relu relu6 hardtanh sigmoid silu gelu elu celu selu leaky_relu prelu _prelu_kernel softplus hardswish hardsigmoid tanh mish
    log_sigmoid_forward rrelu_with_noise hardshrink softshrink threshold glu add sub mul div rsub true_divide floor_divide
    remainder fmod neg abs sign sgn exp exp2 expm1 log log2 log10 log1p sqrt rsqrt square pow reciprocal sin cos tan asin acos
    atan sinh cosh asinh acosh atanh erf erfc erfinv clamp clamp_min clamp_max minimum maximum fmin fmax floor ceil round trunc
    frac lerp addcmul addcdiv where masked_fill eq ne lt le gt ge logical_and logical_or logical_not logical_xor bitwise_and
    bitwise_or bitwise_not bitwise_xor __and__ __or__ __xor__ __lshift__ __rshift__ isnan isinf isfinite nan_to_num atan2 hypot
    xlogy logit sinc copysign native_dropout dropout bernoulli _to_copy to clone copy detach detach_ alias lift_fresh
    lift_fresh_copy real imag angle polar complex view_as_complex view_as_real complex_mul conj _conj resolve_conj resolve_neg
    mvlgamma digamma lgamma heaviside positive logaddexp logaddexp2 bitwise_left_shift bitwise_right_shift deg2rad rad2deg i0
    special_expit special_log1p
    """
)

REDUCED = _names(
    """
    mean sum amax amin max min argmax argmin prod var var_mean std std_mean norm linalg_vector_norm _softmax _log_softmax
    _safe_softmax softmax log_softmax logsumexp cumsum cumprod cummax cummin any all sort topk argsort median mode count_nonzero
    nansum nanmean msort kthvalue unique_dim _unique2 unique_consecutive searchsorted bucketize histc aminmax _local_response_norm
    cdist _cdist_forward _euclidean_dist linalg_cross cross kl_div nll_loss_forward mse_loss
    """
)

MOVED = _names(
    """
    view unsafe_split unsafe_split_with_sizes unsafe_chunk _unsafe_view reshape _reshape_alias _reshape_copy permute transpose t
    numpy_T expand expand_as squeeze unsqueeze flatten unflatten slice select narrow split split_with_sizes chunk unbind unfold
    as_strided diagonal cat concat stack hstack vstack roll flip rot90 repeat repeat_interleave tile index index_select
    _unsafe_index index_put index_add index_copy index_fill gather scatter scatter_add scatter_reduce embedding _embedding_bag
    embedding_bag masked_select masked_scatter take take_along_dim nonzero nonzero_static pixel_shuffle pixel_unshuffle
    channel_shuffle native_channel_shuffle constant_pad_nd pad reflection_pad1d reflection_pad2d reflection_pad3d
    replication_pad1d replication_pad2d replication_pad3d im2col col2im contiguous tril triu movedim swapaxes select_scatter
    slice_scatter diag_embed diag meshgrid one_hot view_copy expand_copy permute_copy slice_copy overwritten squeeze_copy
    unsqueeze_copy _pack_padded_sequence _pad_packed_sequence tril_indices triu_indices combinations cartesian_prod block_diag
    resize resize_as set_ set as_strided_scatter
    """
)

MADE = _names(
    """
    empty empty_like empty_strided new_empty new_zeros new_ones new_full new_empty_strided zeros zeros_like ones ones_like full
    full_like arange range linspace logspace eye scalar_tensor rand randn rand_like randn_like randint randint_like randperm
    normal uniform fill zero tensor _local_scalar_dense item is_nonzero equal is_same_size sym_size _assert_async _assert_scalar
    exponential is_pinned record_stream hann_window hamming_window _efficientzerotensor from_file set_data
    _has_compatible_shallow_copy_type profiler._record_function_enter_new profiler._record_function_exit _fused_sdp_choice
    _nested_tensor_from_mask_left_aligned
    """
)

STAND_IN = "receptron.stand_in"
"""Stands for an operator that torch does not have and nobody here knows; its first argument is that one's name."""
FREE = NORMALISED | POOLED | RESIZED | ELEMENTWISE | REDUCED | MOVED | MADE


def is_known(op: str) -> bool:
    """Whether an operator is counted or known to be free."""
    return op in MULTIPLIED or op in FREE or op.endswith("_backward")
