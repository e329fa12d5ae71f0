"""Look into the tables of a data set on this hub."""

from __future__ import annotations

import os
from functools import lru_cache

import gradio as gr
import pandas as pd
from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub.errors import HfHubHTTPError

DATASET_ID = os.environ.get("DATASET_ID", "demo/movie-sentences")
READERS = {
    ".csv": pd.read_csv,
    ".tsv": lambda path: pd.read_csv(path, sep="\t"),
    ".jsonl": lambda path: pd.read_json(path, lines=True),
    ".json": pd.read_json,
    ".parquet": pd.read_parquet,
}
SHOWN = 500
"""Rows that the page shows; the figures are of all of them."""


def tables(dataset_id: str) -> gr.Dropdown:
    """Offer the tables of a data set."""
    try:
        files = HfApi().list_repo_files(dataset_id.strip(), repo_type="dataset")
    except (HfHubHTTPError, ValueError) as problem:
        raise gr.Error(f"{dataset_id} cannot be read: {problem}") from problem
    found = [name for name in files if name.endswith(tuple(READERS))]
    if not found:
        raise gr.Error(f"{dataset_id} has no CSV, TSV, JSON, JSON Lines or Parquet files.")
    return gr.Dropdown(choices=found, value=found[0])


@lru_cache(maxsize=4)
def read(dataset_id: str, name: str) -> pd.DataFrame:
    """Return one table."""
    path = hf_hub_download(dataset_id, name, repo_type="dataset")
    return READERS["." + name.rpartition(".")[2]](path)


def look(dataset_id: str, name: str) -> tuple[str, pd.DataFrame, pd.DataFrame, gr.Dropdown]:
    """Show a table: its size, its first rows, what is in each column."""
    rows = read(dataset_id.strip(), name)
    columns = pd.DataFrame(
        {
            "column": rows.columns.astype(str),
            "type": [str(kind) for kind in rows.dtypes],
            "missing": rows.isna().sum().to_numpy(),
            "different": [rows[column].astype(str).nunique() for column in rows],
            "example": [str(rows[column].dropna().iloc[0])[:80] if rows[column].notna().any() else "" for column in rows],
        }
    )
    size = f"**{len(rows):,} rows × {len(rows.columns)} columns**"
    return size, rows.head(SHOWN), columns, gr.Dropdown(choices=list(rows.columns), value=rows.columns[-1])


def spread(dataset_id: str, name: str, column: str) -> pd.DataFrame:
    """Count the values of a column: of numbers, twenty ranges; of anything else, the twenty most frequent."""
    values = read(dataset_id.strip(), name)[column].dropna()
    if pd.api.types.is_numeric_dtype(values) and values.nunique() > 20:
        counts = pd.cut(values, 20).value_counts(sort=False)
        return pd.DataFrame({"value": [f"{each.mid:.4g}" for each in counts.index], "rows": counts.to_numpy()})
    counts = values.astype(str).str.slice(0, 40).value_counts().head(20)
    return pd.DataFrame({"value": counts.index, "rows": counts.to_numpy()})


with gr.Blocks(title="Dataset explorer") as demo:
    gr.Markdown("# Dataset explorer")
    with gr.Row():
        dataset = gr.Textbox(DATASET_ID, label="Data set", scale=2)
        table = gr.Dropdown([], label="Table", scale=2)
        go = gr.Button("Look", variant="primary", scale=1)
    size = gr.Markdown()
    with gr.Tab("Rows"):
        rows = gr.Dataframe(label=f"The first {SHOWN}", wrap=True, max_height=480)
    with gr.Tab("Columns"):
        columns = gr.Dataframe(label="What is in each column", wrap=True)
    with gr.Tab("Values"):
        column = gr.Dropdown([], label="Column")
        chart = gr.BarPlot(x="value", y="rows", title="How often each value occurs", sort=None)
    go.click(tables, dataset, table, api_name=False).then(look, [dataset, table], [size, rows, columns, column], api_name="look")
    table.input(look, [dataset, table], [size, rows, columns, column], api_name=False)
    column.change(spread, [dataset, table, column], chart, api_name="spread")
    demo.load(tables, dataset, table, api_name=False).then(look, [dataset, table], [size, rows, columns, column], api_name=False)

if __name__ == "__main__":
    demo.launch()
