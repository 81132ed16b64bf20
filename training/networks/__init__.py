"""The recipes of networks, one module each: its shape and how pretrained weights are read into it."""
