"""What is computed in which loop over rows: the plan that all back ends write out."""
