"""The benchmark page: one HTML file with tables, plots and provenance, readable without a network."""

from __future__ import annotations

import html
from importlib.resources import files
from typing import Any

from ferce_agent.evaluation.plots import confusion_plot, reliability_plot, risk_plot, robustness_plot
from ferce_agent.evaluation.tables import headline_table, recall_table, robustness_table, set_table

Result = dict[str, Any]


def to_page(result: Result) -> str:
    """Return the whole page."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(files("ferce_agent.evaluation").joinpath("page.html").read_text("utf-8"))
    sets = []
    for entry in result["sets"]:
        plots = [reliability_plot(entry), risk_plot(entry)]
        tables = [headline_table(entry), recall_table(entry)]
        if any("conformal" in one for one in entry["perceivers"]):
            tables.append(set_table(entry))
        if any(one["robustness"] for one in entry["perceivers"]):
            plots.append(robustness_plot(entry))
            tables.append(robustness_table(entry))
        confusions = [confusion_plot(entry, one) for one in entry["perceivers"]]
        sets.append(
            {
                "entry": entry,
                "tables": [Markup(markdown_to_html(table)) for table in tables],
                "plots": [Markup(plot) for plot in plots],
                "confusions": [Markup(plot) for plot in confusions],
            }
        )
    return template.render(result=result, sets=sets)


def markdown_to_html(table: str) -> str:
    """Return a Markdown table as HTML; every cell is escaped."""
    rows = [[html.escape(cell.strip()) for cell in line.strip("|").split("|")] for line in table.splitlines()]
    head = "".join(f"<th>{cell}</th>" for cell in rows[0])
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows[2:])
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
