"""What is on this hub, in figures."""

from __future__ import annotations

import os

import pandas as pd
import streamlit as st
from huggingface_hub import HfApi

LIMIT = 1000

st.set_page_config(page_title="Hub dashboard", page_icon="📊", layout="wide")


@st.cache_data(ttl=60)
def everything(kind: str) -> pd.DataFrame:
    """Return the public repositories of one kind."""
    api = HfApi()
    ask = {"models": api.list_models, "datasets": api.list_datasets, "spaces": api.list_spaces}[kind]
    found = [
        {
            "name": repo.id,
            "owner": repo.id.partition("/")[0],
            "task": getattr(repo, "pipeline_tag", None) or "",
            "downloads": getattr(repo, "downloads", 0) or 0,
            "created": repo.created_at,
        }
        for repo in ask(limit=LIMIT, full=True)
    ]
    return pd.DataFrame(found, columns=["name", "owner", "task", "downloads", "created"])


st.title("📊 What is on this hub")
st.caption(os.environ.get("HF_ENDPOINT", ""))
tables = {kind: everything(kind) for kind in ("models", "datasets", "spaces")}
for place, (kind, table) in zip(st.columns(3), tables.items(), strict=True):
    place.metric(kind.title(), f"{len(table):,}{'+' if len(table) == LIMIT else ''}")

kind = st.segmented_control("Show", list(tables), default="models") or "models"
table = tables[kind]
if table.empty:
    st.info(f"There are no {kind} yet.")
else:
    least = st.slider("Downloads, at least", 0, int(table["downloads"].max()) or 1, 0)
    shown = table[table["downloads"] >= least]
    left, right = st.columns(2)
    left.subheader("By owner")
    left.bar_chart(shown["owner"].value_counts().head(15))
    right.subheader("New in each month")
    months = pd.to_datetime(shown["created"], utc=True).dt.strftime("%Y-%m")
    right.bar_chart(months.value_counts().sort_index())
    st.subheader("All of them")
    st.dataframe(shown.sort_values("downloads", ascending=False), hide_index=True, width="stretch")
    st.download_button("Download as CSV", shown.to_csv(index=False), f"{kind}.csv", "text/csv")
