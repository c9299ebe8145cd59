// SPDX-License-Identifier: Apache-2.0
/* Numbers of the fields of ONNX's messages (onnx.proto), those that are looked at or written here. */
#pragma once

enum onnx_model {
    MODEL_IR_VERSION = 1,
    MODEL_GRAPH = 7,
    MODEL_OPSET_IMPORT = 8,
    MODEL_TRAINING = 20,
    MODEL_FUNCTIONS = 25,
};
enum onnx_opset { OPSET_DOMAIN = 1, OPSET_VERSION = 2 };
enum onnx_graph {
    GRAPH_NODE = 1,
    GRAPH_NAME = 2,
    GRAPH_INITIALIZER = 5,
    GRAPH_INPUT = 11,
    GRAPH_OUTPUT = 12,
    GRAPH_SPARSE_INITIALIZER = 15,
};
enum onnx_node {
    NODE_INPUT = 1,
    NODE_OUTPUT = 2,
    NODE_NAME = 3,
    NODE_OP_TYPE = 4,
    NODE_ATTRIBUTE = 5,
    NODE_DOMAIN = 7,
};
enum onnx_attribute {
    ATTRIBUTE_NAME = 1,
    ATTRIBUTE_F = 2,
    ATTRIBUTE_I = 3,
    ATTRIBUTE_S = 4,
    ATTRIBUTE_T = 5,
    ATTRIBUTE_G = 6,
    ATTRIBUTE_FLOATS = 7,
    ATTRIBUTE_INTS = 8,
    ATTRIBUTE_TENSORS = 10,
    ATTRIBUTE_GRAPHS = 11,
    ATTRIBUTE_SPARSE_TENSOR = 22,
    ATTRIBUTE_SPARSE_TENSORS = 23,
    ATTRIBUTE_TYPE = 20,
    ATTRIBUTE_OF_INTS = 7, /* a value of TYPE */
};
enum onnx_tensor {
    TENSOR_DIMS = 1,
    TENSOR_DATA_TYPE = 2,
    TENSOR_SEGMENT = 3,
    TENSOR_FLOAT_DATA = 4,
    TENSOR_INT32_DATA = 5,
    TENSOR_STRING_DATA = 6,
    TENSOR_INT64_DATA = 7,
    TENSOR_NAME = 8,
    TENSOR_RAW_DATA = 9,
    TENSOR_DOUBLE_DATA = 10,
    TENSOR_UINT64_DATA = 11,
    TENSOR_EXTERNAL_DATA = 13,
    TENSOR_DATA_LOCATION = 14,
};
enum onnx_value_info { VALUE_NAME = 1, VALUE_TYPE = 2 };
enum onnx_type { TYPE_TENSOR = 1 };
enum onnx_type_tensor { TYPE_ELEMENT = 1, TYPE_SHAPE = 2 };
enum onnx_shape { SHAPE_DIM = 1 };
enum onnx_dim { DIM_VALUE = 1, DIM_PARAM = 2 };
/* Of elements (TensorProto.DataType). */
enum onnx_element {
    ELEMENT_FLOAT = 1,
    ELEMENT_UINT8 = 2,
    ELEMENT_INT8 = 3,
    ELEMENT_INT32 = 6,
    ELEMENT_INT64 = 7,
    ELEMENT_BOOL = 9,
    ELEMENT_FLOAT16 = 10,
    ELEMENT_DOUBLE = 11,
};
