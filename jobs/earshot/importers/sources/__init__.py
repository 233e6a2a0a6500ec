"""Sources bring what is new at object stores and databases into landing/, as whole files."""
