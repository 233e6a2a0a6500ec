"""Great Expectations' Data Docs of our verdicts, as pages that ask nothing from outside and run nothing."""
