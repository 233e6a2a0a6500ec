"""The report: figures read from the lake, drawn into one HTML file that opens offline."""
