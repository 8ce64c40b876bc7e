"""What a result is worth: floors, verdict, bottleneck."""
