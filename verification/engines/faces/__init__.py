"""Two images in, one distance out. What a distance means is a calibration, and that comes with the backend in use."""
