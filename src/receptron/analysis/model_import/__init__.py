"""Networks from files: Python modules, exported programs, ONNX graphs."""
