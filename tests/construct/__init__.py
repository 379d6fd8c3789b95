"""The construct at synth: props, template, permissions, asset, and the example apps."""
