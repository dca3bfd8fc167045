"""What goes together on a GPU, and without one: CUDA, cuDNN, PyTorch, TensorFlow, base images."""
