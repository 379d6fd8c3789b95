"""An app with nothing in its stack: what every synth takes."""

from benchmarks.apps import synthesize

if __name__ == "__main__":
    synthesize()
