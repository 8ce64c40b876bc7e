"""One network trained over several machines: how they meet, the loop, and the job as a whole."""
