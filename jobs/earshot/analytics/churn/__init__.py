"""Who is likely to leave: features of the past, a calibrated model, and the comparison that makes it champion."""
