"""Jinja templates that stand before Great Expectations' own: the frame of a page, tables, and what folds."""

from __future__ import annotations

from typing import Final

_CSS = """
:root{--paper:#fbfaf7;--card:#fff;--ink:#1c2024;--soft:#5d6670;--line:#e4e1d9;--accent:#2f54c8;--good:#1d8a5f;
--bad:#c2334d;color-scheme:light dark}
@media (prefers-color-scheme:dark){:root{--paper:#14171b;--card:#1c2127;--ink:#e8eaed;--soft:#9aa5b1;--line:#2d343c;
--accent:#8aa6ff;--good:#4cc38a;--bad:#ff7d92}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
"Helvetica Neue",sans-serif;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
main,header,footer{max-width:1120px;margin:0 auto;padding:0 20px}header{padding-top:28px}
h1{font-size:26px;line-height:1.2;letter-spacing:-.02em;margin:0 0 4px}h2{font-size:19px;margin:22px 0 6px}
h4,h5,h6{font-size:15px;margin:6px 0}p{margin:0 0 8px}a{color:var(--accent)}
nav.crumbs,.lead,footer,small{color:var(--soft);font-size:13px}footer{padding:8px 20px 40px}
nav.parts{display:flex;flex-wrap:wrap;gap:4px 14px;font-size:13px;margin:10px 0}
.ge-section{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:16px 18px;margin:14px 0}
.row{display:block}.scroll,.table-responsive{overflow-x:auto}.alert{margin-bottom:8px}
.alert-secondary h5{font-size:17px}.m-0{margin:0}
table{border-collapse:collapse;width:100%;font-size:14px;margin:6px 0}
th{font-weight:600;text-align:left;color:var(--soft);font-size:12.5px}
td,th{padding:6px 8px 6px 0;border-bottom:1px solid var(--line);vertical-align:top}tr:last-child td{border-bottom:0}
td td,td th{font-size:12.5px;font-family:ui-monospace,SFMono-Regular,Menlo,monospace}
.badge{border:1px solid var(--line);border-radius:99px;padding:0 8px;font-size:12.5px;white-space:normal}
.badge-primary,.badge-info{border-color:var(--accent);color:var(--accent)}
.text-danger,.fa-times{color:var(--bad)}.text-success,.fa-check-circle{color:var(--good)}
.scroll td{white-space:nowrap}
td:first-child,th{overflow-wrap:normal;white-space:nowrap}td td{white-space:normal!important;overflow-wrap:anywhere}
.fas{font-style:normal;font-weight:700}.fa-check-circle::before{content:"✓"}.fa-times::before{content:"✗"}
td .fa-check-circle::before{content:"✓ met"}td .fa-times::before{content:"✗ not met"}
.fa-exclamation-triangle{color:var(--bad)}.fa-exclamation-triangle::before{content:"!"}
hr{border:0;border-top:1px solid var(--line)}
summary{cursor:pointer;color:var(--soft)}.cooltip>span,.d-none{display:none}
@media (max-width:720px){main,header,footer{padding-left:12px;padding-right:12px}.ge-section{padding:12px}
h1{font-size:22px}td,th{padding-right:6px}}
"""

_FRAME = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none';
 form-action 'none'">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>{{ (page_title or "Data Docs") | e }}</title><style>{% include "data_docs_default_styles.css" %}</style></head>
<body><header>
{%- set up = "" if "SiteIndex" in renderer_type else
   ((expectation_suite_name or "").count(".") + (4 if "Results" in renderer_type else 1)) * "../" %}
<nav class="crumbs"><a href="{{ up }}index.html">Data Docs</a> · <a href="{{ up }}../report.html">Report</a></nav>
<h1>{{ (page_title or "Data Docs") | e }}</h1>
<p class="lead">{% if "SiteIndex" in renderer_type %}What is expected of batches and tables, and what was
 found. A batch is refused only where an expectation that closes the gate is not met.
{%- elif "Results" in renderer_type %}What was expected, and what was found.
{%- else %}What is expected.{% endif %}</p>
{% if sections | length > 1 %}<nav class="parts">{% for section in sections %}
<a href="#section-{{ loop.index }}">{{ (section["section_name"] or "") | e }}</a>{% endfor %}</nav>{% endif %}
</header><main>
{% for section in sections %}{% set section_loop = loop -%}{% include "section.j2" %}{% endfor %}
</main><footer>Data Docs of Great Expectations {{ ge_version }}. Nothing on this page is fetched or run.</footer>
</body></html>
"""

_LINK_TABLE = """{% include "content_block_header.j2" %}
<div class="scroll"><table><thead><tr>
{%- for column in content_block["table_columns"] %}<th>{{ column["title"] | e }}</th>{% endfor %}</tr></thead><tbody>
{%- for row in content_block["table_data"] | render_bootstrap_table_data %}<tr>
{%- for column in content_block["table_columns"] %}{% set cell = row[column["field"]] %}
{%- set linked = row["_table_row_link_path"] and
   (column["field"] == "run_time" or content_block["table_columns"] | length == 1) %}
<td>{% if linked %}<a href="{{ row["_table_row_link_path"] | e }}">{{ cell }}</a>
{%- else %}{{ "" if cell is none else cell }}{% endif %}</td>{% endfor %}</tr>
{%- endfor %}</tbody></table></div>
"""

_TABS = """{% for tab in content_block["tabs"] %}<h2>{{ tab.get("tab_name", "") | e }}</h2>
{{ tab.get("tab_content") | render_content_block(content_block_id=content_block_id ~ "-" ~ loop.index) }}
{% endfor %}"""

_FOLD = """<details><summary>{{ content_block.get("collapse_toggle_link", "More") | render_content_block }}</summary>
{% include "content_block_header.j2" %}
{% for block in content_block["collapse"] %}
{{- block | render_content_block(content_block_id=content_block_id ~ "-item-" ~ loop.index) }}
{% endfor %}</details>"""

TEMPLATES: Final = {
    "page.j2": _FRAME,
    "index_page.j2": _FRAME,
    "data_docs_default_styles.css": _CSS,
    "bootstrap_table.j2": _LINK_TABLE,
    "tabs.j2": _TABS,
    "collapse.j2": _FOLD,
    "graph.j2": "",
}
"""By the name under which Great Expectations asks for them."""
