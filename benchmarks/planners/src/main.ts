// Runs the benchmark.
