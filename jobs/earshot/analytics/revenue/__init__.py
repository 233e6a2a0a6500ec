"""gold.revenue: pools, three models of sharing them, rounding, closed months and their adjustments."""
