"""Models: how they are trained, measured, calibrated, explained and packed.

Pure Keras, NumPy and Pillow: imports no Django and nothing of the platform above it.
"""
