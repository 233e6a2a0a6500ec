"""The report's style sheet: light and dark, phone and desktop, print; no font or file from outside."""

CSS = """
:root{--paper:#fbfaf7;--card:#fff;--ink:#1c2024;--soft:#5d6670;--line:#e4e1d9;--accent:#2f54c8;--band:#2f54c81f;
--good:#1d8a5f;--warn:#b86e00;--bad:#c2334d;--shade:47,84,200;color-scheme:light dark}
@media (prefers-color-scheme:dark){:root{--paper:#14171b;--card:#1c2127;--ink:#e8eaed;--soft:#9aa5b1;--line:#2d343c;
--accent:#8aa6ff;--band:#8aa6ff29;--good:#4cc38a;--warn:#f0a94a;--bad:#ff7d92;--shade:138,166,255}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
"Helvetica Neue",sans-serif;font-variant-numeric:tabular-nums}
main,header.top{max-width:1120px;margin:0 auto;padding:0 20px}
header.top{padding-top:36px;padding-bottom:8px}
h1{font-size:30px;line-height:1.15;letter-spacing:-.02em;margin:0 0 4px}
h2{font-size:19px;letter-spacing:-.01em;margin:0 0 2px}
h3{font-size:14px;margin:18px 0 6px}
p{margin:0 0 12px}.lead,section>p,small,.note{color:var(--soft)}
section{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:20px 22px;margin:16px 0}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:18px 0 4px}
.tile{background:var(--card);border:1px solid var(--line);border-radius:14px;padding:14px 16px}
.tile b{display:block;font-size:25px;line-height:1.2;letter-spacing:-.02em}.tile span{color:var(--soft);
font-size:13px}
.two{display:grid;grid-template-columns:1fr 1fr;gap:28px}.two>div{min-width:0}
table{border-collapse:collapse;width:100%;font-size:14px}
th{font-weight:600;text-align:left;color:var(--soft);font-size:12.5px}
td,th{padding:6px 8px 6px 0;border-bottom:1px solid var(--line);vertical-align:top}
tr:last-child td,tr:last-child th{border-bottom:0}
td.n,th.n{text-align:right;white-space:nowrap}td.name{overflow-wrap:anywhere}
.scroll{overflow-x:auto;-webkit-overflow-scrolling:touch}
.plot{position:relative;padding:6px 0 24px 46px}.plot .area{position:relative;height:260px}
.plot svg{width:100%;height:100%;display:block;overflow:visible}
.rule{stroke:var(--line);vector-effect:non-scaling-stroke}
.seen,.expected{fill:none;stroke:var(--accent);stroke-width:1.7;vector-effect:non-scaling-stroke;
stroke-linejoin:round}
.expected{stroke:var(--soft);stroke-dasharray:3 3;stroke-width:1.1}.band{fill:var(--band)}
.scale{position:absolute;left:0;top:6px;height:260px;width:40px;font-size:12px;color:var(--soft)}
.scale span{position:absolute;right:0;transform:translateY(50%)}
.ticks{position:relative;height:18px;font-size:12px;color:var(--soft)}
.ticks span{position:absolute;top:5px;white-space:nowrap;transform:translateX(-2px)}
.mark{position:absolute;width:10px;height:10px;margin:0 0 -5px -5px;border-radius:50%;border:2px solid var(--card);
background:var(--warn)}.mark.critical{background:var(--bad)}.mark.info{background:var(--soft)}
.key{display:flex;flex-wrap:wrap;gap:6px 18px;font-size:12.5px;color:var(--soft);padding-left:46px}
.key i{display:inline-block;width:18px;height:0;border-top:2px solid var(--accent);vertical-align:middle;
margin-right:6px}
.key .k-expected{border-top:2px dashed var(--soft)}.key .k-band{height:10px;border:0;background:var(--band)}
.key .k-mark{width:10px;height:10px;border:0;border-radius:50%;background:var(--bad)}
.bar{display:inline-block;vertical-align:middle;width:100%;min-width:60px;height:8px;border-radius:4px;
background:var(--line);overflow:hidden}.bar i{display:block;height:100%;background:var(--accent)}
.bar i.good{background:var(--good)}.bar i.bad{background:var(--bad)}.bar i.soft{background:var(--soft)}
.stack{display:flex;height:14px;border-radius:7px;overflow:hidden;background:var(--line);min-width:120px}
.stack i{display:block;height:100%;
min-width:1px}.c-accepted{background:var(--good)}.c-duplicate{background:var(--accent)}
.c-quarantined{background:var(--bad)}.c-filtered{background:var(--warn)}
.dot{display:inline-block;width:10px;height:10px;border-radius:3px;margin-right:6px}
.alert{border-left:4px solid var(--warn);padding:2px 0 2px 14px;margin:14px 0}
.alert.critical{border-color:var(--bad)}.alert.info,.alert.resolved{border-color:var(--line)}
.alert b{display:block;overflow-wrap:anywhere}.alert small{overflow-wrap:anywhere}
.pill{display:inline-block;border:1px solid var(--line);border-radius:99px;padding:0 9px;font-size:12.5px;
color:var(--soft)}
.pill.good{color:var(--good);border-color:var(--good)}.pill.bad{color:var(--bad);border-color:var(--bad)}
.sparks{display:grid;grid-template-columns:repeat(auto-fit,minmax(190px,1fr));gap:18px;margin-top:12px}
.spark{margin:0}.spark svg{width:100%;height:56px;overflow:visible}.spark figcaption{display:flex;
justify-content:space-between;font-size:13px}.spark small{font-size:12px}
.spark .reading{display:block}.reading b{font-size:18px;letter-spacing:-.01em}
.trend{position:relative;margin:4px 5px}.spark .trend svg{display:block}
.dot-at{position:absolute;width:7px;height:7px;margin:0 0 -3.5px -3.5px;
border-radius:50%;background:var(--accent)}.dot-at.good{background:var(--good)}.dot-at.bad{background:var(--bad)}
.rule-failed{border-top:1px solid var(--line);padding:10px 0 4px}
.rule-failed h3{margin:4px 0 2px;overflow-wrap:anywhere}
.rule-failed p{margin:0 0 4px}.rule-failed .bar{display:block;margin:0 0 4px}
ul.lines{list-style:none;margin:8px 0 4px;padding:0;font-size:12.5px}ul.lines li{padding:4px 0;overflow-wrap:anywhere}
ul.lines b{font-weight:600}ul.lines code{font:12px/1.45 ui-monospace,SFMono-Regular,Menlo,monospace;color:var(--soft)}
ul.lines i{color:var(--soft)}a{color:var(--accent)}
.heat td{text-align:center;padding:5px 4px;border:2px solid var(--card);border-radius:4px;font-size:12.5px;
background:rgba(var(--shade),calc(var(--heat)*.62));min-width:44px}.heat th{border:0;padding:2px 6px 2px 0}
.heat.count td{min-width:12px;height:20px;padding:0}.heat.count th{font-weight:500;text-align:center;font-size:11px}
.heat.count th:first-child,.heat th:first-child{text-align:left}
.whiskers{width:100%}.whiskers small{color:var(--soft)}.whisker{position:relative;width:50%;min-width:140px}
.whisker i{position:absolute}.whisker .zero{top:0;bottom:0;border-left:1px solid var(--line)}
.whisker .reach{top:50%;height:4px;margin-top:-2px;border-radius:2px;background:var(--band)}
.whisker .dot-at{margin-top:-3.5px}
.up{color:var(--good)}.down{color:var(--bad)}
ol{margin:0;padding-left:22px}ol li{padding:3px 0;overflow-wrap:anywhere}
footer{color:var(--soft);font-size:13px;padding:8px 0 40px}
details summary{cursor:pointer;color:var(--soft);margin-top:10px}
ol.bars{list-style:none;counter-reset:place;padding:0}ol.bars li{display:grid;align-items:center;gap:2px 12px;
grid-template-columns:22px minmax(0,1fr) auto;padding:5px 0;counter-increment:place}
ol.bars li:before{content:counter(place);color:var(--soft);font-size:13px;grid-row:span 2}
ol.bars .what{overflow-wrap:anywhere}ol.bars .bar{grid-column:2/4;grid-row:2}
ol.bars .n{color:var(--soft);font-size:13px}
.columns{display:flex;align-items:flex-end;gap:6px;height:150px;margin-top:10px}.columns>div{flex:1;height:100%;
min-width:0;display:flex;flex-direction:column;justify-content:flex-end;text-align:center}.columns i{display:block;
background:var(--accent);border-radius:5px 5px 0 0;min-height:1px}.columns span{font-size:11px;color:var(--soft);
padding-top:4px;overflow:hidden;white-space:nowrap}
@media (max-width:720px){.two{grid-template-columns:1fr;gap:8px}h1{font-size:25px}section{padding:16px 14px;
border-radius:12px}
main,header.top{padding-left:12px;padding-right:12px}.plot .area,.scale{height:190px}.wide{display:none}
.plot .ticks span:nth-child(even){display:none}}
@media print{section,.tile{break-inside:avoid}body{background:#fff}}
"""
