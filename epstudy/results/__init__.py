"""From the store to DataFrames: rows, series, failures, estimates, and where each number comes from."""
