"""gold.optimisation and gold.offers: what offers, prices and models of payout do, each with its uncertainty."""
