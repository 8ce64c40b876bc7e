"""A GPU beside a training, through NVML."""
