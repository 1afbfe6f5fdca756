"""Two images in, one distance out. Which distance means what is a calibration, and that is the route's policy."""
