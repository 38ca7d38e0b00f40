"""The mathematics: arrays and frames in, detections out. No disk, no clock, no TOML, no language texts."""
