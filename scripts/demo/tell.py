"""How the demo speaks."""

from __future__ import annotations


def step(name: str, text: str) -> None:
    print(f"  {name:>10}  {text}", flush=True)
