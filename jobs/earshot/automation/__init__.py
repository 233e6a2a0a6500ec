"""Runner, pipeline, maintenance and the command line."""
