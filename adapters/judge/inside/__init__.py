"""What runs in the child processes: stdlib and the engines alone, nothing of the bot. Data in, data out."""
