"""`python -m serving` is the same thing as `applyfree`."""

from serving.cli import app

if __name__ == "__main__":
    app(prog_name="applyfree")
