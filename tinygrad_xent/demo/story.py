"""One loss, composed from primitives, differentiated, simplified and drawn."""

from __future__ import annotations

import inspect
import textwrap
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import tinygrad_xent as tx


@dataclass(frozen=True)
class Story:
    """Softmax and cross-entropy of the logits z, for the target distribution p."""

    z: tx.Tensor
    p: tx.Tensor
    loss: tx.Tensor

    @cached_property
    def derivation(self) -> Any:
        """The gradient with respect to z, step by step, p being a distribution."""
        return tx.derive(self.loss, wrt=self.z, assume=[tx.Simplex(self.p)])

    @cached_property
    def general(self) -> Any:
        """The same when nothing is assumed of p."""
        return tx.derive(self.loss, wrt=self.z)

    def pictures(self) -> dict[str, str]:
        """The graphs of the loss, of its gradient as recorded, and as simplified: SVG by name."""
        return {
            "forward": tx.draw(self.loss).svg(),
            "backward": tx.draw(self.loss, backward=True).svg(),
            "simplified": tx.draw(self.derivation.result.node).svg(),
        }


def compose() -> Story:
    """The loss of three logits that favour the right class."""
    z = tx.tensor([0.2, 5.0, 0.3], name="z")
    p = tx.tensor([0.0, 1.0, 0.0], name="p")
    e = tx.exp(z)
    q = (e / tx.sum(e)).named("q")
    loss = -tx.sum(p * tx.log(q))
    return Story(z, p, loss)


def composition() -> str:
    """The lines by which `compose` makes the loss."""
    lines, _ = inspect.getsourcelines(compose)
    return textwrap.dedent("".join(lines[2:-1])).rstrip()
