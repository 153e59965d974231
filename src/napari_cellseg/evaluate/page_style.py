"""The look of the report: readable on light and dark screens and on paper, colours safe for the colour-blind.

Colours follow Okabe and Ito (2008), darkened for white paper and lightened for dark screens. Nothing is
loaded from elsewhere, and the page forbids its browser to try.
"""

from __future__ import annotations

from string import Template

_LIGHT = """
  color-scheme: light; --paper: #ffffff; --ink: #1d1f24; --faint: #6b7079; --line: #d9dce1; --shade: #f4f5f7;
  --total: #0072b2; --group-1: #c24e00; --group-2: #00805d; --group-3: #a8478a; --group-4: #8a6100;
  --group-5: #5b4bc4; --group-6: #444a52;
"""
_DARK = """
  color-scheme: dark; --paper: #17191d; --ink: #e8eaee; --faint: #a2a8b3; --line: #3a3f48; --shade: #20242a;
  --total: #56b4e9; --group-1: #ff8a3d; --group-2: #2fcb9c; --group-3: #e39bc6; --group-4: #f0c040;
  --group-5: #b6a6ff; --group-6: #c8ccd2;
"""

STYLE = f"""
:root {{{_LIGHT}}}
@media screen and (prefers-color-scheme: dark) {{ :root {{{_DARK}}} }}
* {{ box-sizing: border-box; }}
body {{ margin: 0 auto; padding: 1.5rem; max-width: 72rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }}
h1 {{ font-size: 1.6rem; line-height: 1.25; margin: 0 0 .75rem; }}
h2 {{ font-size: 1.2rem; margin: 2.25rem 0 .5rem; }}
p {{ max-width: 48rem; margin: .4rem 0; }}
.lead {{ font-size: 1.1rem; }}
.faint, figcaption, caption {{ color: var(--faint); font-size: .9rem; }}
dl {{ display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: .5rem 0; }}
dt {{ color: var(--faint); }}
dd {{ margin: 0; overflow-wrap: anywhere; }}
.figures {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(18rem, 1fr)); gap: 1.5rem; }}
figure {{ margin: 0; break-inside: avoid; min-width: 0; }}
figure svg, figure img {{ display: block; width: 100%; height: auto; }}
figure img {{ background: #000; border-radius: 3px; }}
figcaption {{ margin-top: .4rem; overflow-wrap: anywhere; }}
figcaption b {{ color: var(--ink); }}
.legend {{ display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; margin: .5rem 0; font-size: .9rem; }}
.legend span {{ overflow-wrap: anywhere; }}
.scroll {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .92rem; margin: .5rem 0; }}
th, td {{ padding: .22rem .45rem; text-align: right; vertical-align: top;
  border-bottom: 1px solid var(--line); }}
th {{ font-weight: 600; }}
thead th {{ vertical-align: bottom; border-bottom: 2px solid var(--faint); }}
th:first-child, td:first-child {{ text-align: left; overflow-wrap: anywhere; min-width: 9rem; }}
.grouped th:nth-child(2), .grouped td:nth-child(2) {{ text-align: left; overflow-wrap: anywhere; }}
td .note {{ display: block; color: var(--faint); font-size: .82rem; }}
tr.section th {{ padding-top: .8rem; text-align: left; background: var(--shade); }}
td .range {{ display: block; color: var(--faint); font-size: .82rem; white-space: nowrap; }}
@media print {{
  body {{ padding: 0; max-width: none; font-size: 10pt; }}
  .scroll {{ overflow: visible; }}
  .lead {{ font-size: 11pt; }}
  .figures {{ grid-template-columns: repeat(3, 1fr); gap: .6rem; }}
  .faint, figcaption, td .range, td .note {{ font-size: 7.5pt; }}
  table {{ font-size: 8pt; }}
  th, td {{ padding: .1rem .35rem; }}
  tr, h2 {{ break-inside: avoid; break-after: auto; }}
  h2 {{ break-after: avoid; }}
  thead {{ display: table-header-group; }}
  figure img, svg {{ print-color-adjust: exact; -webkit-print-color-adjust: exact; }}
}}
"""

PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>$title</title>
<style>$style</style>
</head>
<body>
<header>
<h1>$title</h1>
$about
</header>
<main>
$main
</main>
</body>
</html>
""")
