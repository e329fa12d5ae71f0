"""A library whose documentation has every construct of the dialect, in two languages."""

from __future__ import annotations

_CONTENTS = """- title: Start
  sections:
  - local: index
    title: Home
  - local: constructs
    title: Every construct
- title: Reference
  sections:
  - local: api
    title: Objects
    sections:
    - local: deep/page
      title: A page deep down
"""

_INDEX = """<!--Copyright of the handbook-->

# The handbook[[handbook]]

Read [every construct](constructs.md), [a part of it](./constructs#tabs), the [objects](api), the
[source](../../../src/handbook/house.py) and [`House`], [`~handbook.House.light`], [`handbook.build`].

[[open-in-colab]]

## The second part

Downloading files needs no build: a push is enough.
"""

_CONSTRUCTS = """# Every construct

> [!NOTE]
> A note with `code`.

> [!WARNING]
> A warning.
> In two lines.

<Tip warning={true}>

An *older* warning.

</Tip>

<Tip>One line.</Tip>

## Tabs

<hfoptions id="framework">
<hfoption id="PyTorch">

```py
>>> import torch
>>> torch.ones(2)
tensor([1., 1.])
```

</hfoption>
<hfoption id="JAX">

```python
import jax  # doc-builder: hide
jax.numpy.ones(2)
```

</hfoption>
</hfoptions>

<frameworkcontent>
<pt>
Written without empty lines.
</pt>
<tf>
The same.
</tf>
</frameworkcontent>

- A list

  <Tip>

  with a tip in it

  </Tip>

## Formulas

Inline $$e^{i\\pi} + 1 = 0$$ and \\\\( a_1 \\\\), and alone:

$$
\\mathrm{softmax}(x)_i = \\frac{e^{x_i}}{\\sum_j e^{x_j}}
$$

## Cards

<HubModel id="alice/roundhouse" />

<HubDataset id="acme/weather" />

<HubModel id="alice/secret-plans" />

## Other things

<Youtube id="abcdefghijk"/>

<PipelineTag pipeline="text-generation"/>

<InferenceSnippet
    pipeline=text-generation
    providersMapping={ {"one":{"modelId":"a/b"}} }
/>

<Added version="1.2"/>

<Question
  choices={[
    { text: "Round", explain: "As it is.", correct: true },
    { text: "Square", explain: "Not here." },
  ]}
/>

```mermaid
graph TD
  Gate --> Court
```

| a | table |
|---|------:|
| 1 | 2 |

<details><summary>More</summary>

Hidden until it is opened.

</details>

A footnote[^1], {braces}, <https://example.org/{name}> and 5 < 6.

[^1]: Below.

<!-- STRETCH TABLES -->
"""

_API = """# Objects

[[autodoc]] House
    - light
    - from_plan

[[autodoc]] build
"""

_HOUSE = '''"""Houses of earth."""

from __future__ import annotations


class House:
    """A round house. See [`build`].

    Args:
        rings (`int`, *optional*, defaults to `3`):
            How many rings of rooms.
        name (`str`):
            What people call it.

    Example:
        >>> House(name="Chengqi")
    """

    def __init__(self, rings: int = 3, *, name: str) -> None:
        self.rings = rings

    def light(self, lamps: list[str] | None = None) -> int:
        """Light the lamps.

        Returns:
            `int`: How many burn.

        Raises:
            [`ValueError`]
                If there is no oil.
        """

    @classmethod
    def from_plan(cls, path: str) -> House:
        """Read a plan.

        Note:
            Plans are drawn by hand.
        """

    def _secret(self) -> None:
        """Nobody sees this."""


def build(*houses: House, fast: bool = False) -> None:
    """Build houses."""
'''

FILES: dict[str, str | bytes] = {
    "README.md": "---\nlicense: mit\n---\n# Handbook\n\nA library with documentation.\n",
    "docs/source/en/_toctree.yml": _CONTENTS,
    "docs/source/en/index.md": _INDEX,
    "docs/source/en/constructs.mdx": _CONSTRUCTS,
    "docs/source/en/api.md": _API,
    "docs/source/en/deep/page.md": "# A page deep down\n\nBack [home](../index.md).\n",
    "docs/source/zh/_toctree.yml": "- local: index\n  title: 首页\n",
    "docs/source/zh/index.md": "# 手册\n\n阅读[全部写法](constructs)。\n\n## 下载文件\n\n下载数据集无需构建。\n",
    "src/handbook/__init__.py": '"""The handbook."""\n\nfrom handbook.house import House as House, build as build\n',
    "src/handbook/house.py": _HOUSE,
}
