"""Network dissection: label units with the concepts that their strongest responses cover."""
