"""Write a parsed condition as SQL: values are bound, and only names of known columns, quoted, come from the client."""

from __future__ import annotations

from collections.abc import Collection

from tulou.wire.viewer_where import Among, Apply, BadCondition, Column, Compare, Joined, Literal, Node, Not, Operand, Order, Value


def where_sql(node: Node, columns: Collection[str]) -> tuple[str, list[Value]]:
    """Return a condition as SQL with a `?` for each value. Raises BadCondition for a column that is not there."""
    values: list[Value] = []
    return _Writer(columns, values).node(node), values


def order_sql(orders: tuple[Order, ...], columns: Collection[str]) -> str:
    """Return the orders as SQL; rows without a value come last. Raises BadCondition for a column that is not there."""
    writer = _Writer(columns, [])
    return ", ".join(f"{writer.column(o.column)} {'DESC' if o.is_descending else 'ASC'} NULLS LAST" for o in orders)


class _Writer:
    def __init__(self, columns: Collection[str], values: list[Value]) -> None:
        self._columns = columns
        self._values = values

    def node(self, node: Node) -> str:
        if isinstance(node, Joined):
            return "(" + f" {node.word} ".join(self.node(part) for part in node.parts) + ")"
        if isinstance(node, Not):
            return f"(NOT {self.node(node.inner)})"
        if isinstance(node, Compare):
            return self._compare(node)
        if isinstance(node, Among):
            left = self._operand(node.left)
            values = [self._operand(value) for value in node.values]
            return f"({left} BETWEEN {values[0]} AND {values[1]})" if node.is_range else f"({left} IN ({', '.join(values)}))"
        return f"({self._operand(node)})"

    def _compare(self, node: Compare) -> str:
        left = self._operand(node.left)
        if node.right is None:
            return f"({left} {node.operator})"
        right = self._operand(node.right)
        if node.operator in {"~", "!~"}:
            return f"({'NOT ' if node.operator == '!~' else ''}regexp_full_match({left}, {right}))"
        return f"({left} {node.operator} {right})"

    def _operand(self, node: Operand) -> str:
        if isinstance(node, Literal):
            self._values.append(node.value)
            return "?"
        if isinstance(node, Apply):
            return f"{node.name}({', '.join(self._operand(argument) for argument in node.arguments)})"
        return self.column(node)

    def column(self, column: Column) -> str:
        if column.path[0] not in self._columns:
            raise BadCondition("There is no such column.")
        found = '"' + column.path[0].replace('"', '""') + '"'
        for field in column.path[1:]:
            # Written as `a.b` it could mean a column of a table called `a`.
            found = f"struct_extract({found}, '{field.replace(chr(39), chr(39) * 2)}')"
        return found
