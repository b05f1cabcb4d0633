//! Presets of the three-ceiling method.
