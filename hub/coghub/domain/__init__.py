"""The words of the product: values and errors that every other package may use."""
