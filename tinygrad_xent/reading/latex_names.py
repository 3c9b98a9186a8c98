"""Names and functions: whether f(x) is a function of x or a product."""

from __future__ import annotations

from .latex_cursor import OPEN, Cursor
from .latex_tokens import Token, unreadable
from .latex_tree import At, Big, Call, Mul, Name, Num, Pow, Tree


class Names(Cursor):
    """Reads what begins with a letter or the name of a function."""

    def letter(self) -> Tree:
        token = self.take()
        if token.text == "e" and self.sees("^"):
            self.take()
            return self.scripted(Call("exp", (self.argument().whole(),)))
        if token.text == r"\mathbb{1}" or token.text == r"\mathbb{I}":
            return self.indicator(token)
        if token.text == "\\pi" and not self.sees("_", "^"):
            return Name("\\pi")
        base = self.scripted(Name(token.text))
        return self._applied(base, token)

    def _applied(self, base: Tree, token: Token) -> Tree:
        name = base
        primes = 0
        if isinstance(base, Call) and not base.args:  # f' or f^2 before its argument
            name, primes = Name(base.name), base.primes
        if isinstance(name, Name) and self._is_applied(name.text):
            args = self.arguments()
            if args is not None:
                return self.scripted(Call(name.text, args, primes))
        if isinstance(base, Call) and not base.args:
            raise unreadable(f"{token.text}' without an argument", token.at)
        if isinstance(base, Pow) and isinstance(base.base, Name):
            if base.base.text in self.scope.functions and self.next.text == "(":
                args = self.arguments()
                if args is not None:
                    return Pow(Call(base.base.text, args), base.exponent)
        return base

    def _is_applied(self, name: str) -> bool:
        if name in self.scope.functions:
            return self._bracketed() or self.next.kind == "group"
        return self._bracketed() and self._holds_list()

    def _bracketed(self) -> bool:
        if self.next.kind == "group":
            inside = self.next.inside
            return bool(inside) and inside[0].text == "(" and inside[-1].text == ")"
        return self.next.is_("(")

    def _holds_list(self) -> bool:
        """Whether a comma stands in the bracket that comes: a product has none."""
        depth = 0
        inside = self.next.inside if self.next.kind == "group" else self.given[self.i :]
        for token in inside:
            depth += token.is_("(", "[", "\\{") - token.is_(")", "]", "\\}")
            if depth == 0:
                return False
            if depth == 1 and token.is_(",", ";", "‖"):
                return True
        return False

    def arguments(self) -> tuple[Tree, ...] | None:
        if self.next.kind == "group":
            return self.inside(self.take()).arguments() if self._bracketed() else None
        if not self.sees("(", "[", "\\{"):
            return None
        close = OPEN[self.take().text]
        bars, self.bars = self.bars, 1
        args = [self.entry()]
        while self.sees(",", ";", "|", "‖"):
            while self.sees(",", ";", "|", "‖"):
                self.take()
            args.append(self.entry())
        self.expect(close)
        self.bars = bars
        return tuple(args)

    def function(self) -> Tree:
        token = self.take()
        if len(self.given) == 1:
            return Name(token.text)  # named, and not applied
        primes, power, index = 0, None, None
        while self.sees("'", "^", "_"):
            mark = self.take().text
            if mark == "'":
                primes += 1
            elif mark == "^":
                power = self.argument().whole()
            else:
                index = self.argument().whole()
        if token.text in ("max", "min") and index is not None:
            if not isinstance(index, Name):
                raise unreadable(f"the range of {token.text}", token.at)
            return Big(token.text, index.text, None, None, None, self.product())
        args = self.arguments() if self._bracketed() or self.next.text in OPEN else None
        bracketed = args is not None
        if args is None:
            args = (self._bare_argument(token),)
        tree: Tree = Call(token.text, args, primes)
        if index is not None:
            if token.text not in ("softmax", "log_softmax"):
                raise unreadable(f"a subscript of {token.text}", token.at)
            tree = At(tree, (index,))
        if power is not None:
            tree = Pow(tree, power)
        if bracketed and self.sees("^") and token.text not in ("exp", "softmax", "sigmoid"):
            raise unreadable(f"what {token.text} applies to is open here: brackets", token.at)
        return self.scripted(tree)

    def _bare_argument(self, token: Token) -> Tree:
        if self.sees("-"):
            raise unreadable(f"what {token.text} applies to is open here: brackets", token.at)
        start = self.next
        arg = self.factor()
        if isinstance(arg, Num | Name) and start.kind in ("number", "letter"):
            while isinstance(arg, Num) and self.next.kind in ("letter", "number"):
                arg = Mul(arg, self.factor())
        if self.starts_factor() and self.next.kind in ("letter", "number"):
            raise unreadable(f"what {token.text} applies to is open here: brackets", token.at)
        return arg
