"""The machine beside a training: what /proc and /sys say."""
