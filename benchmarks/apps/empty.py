"""An app with an empty stack: the cost of every synth."""

from benchmarks.apps import synthesize

if __name__ == "__main__":
    synthesize()
