"""Documents as text: what a file is by its content, and a worker that reads PDF and Word files behind walls."""
