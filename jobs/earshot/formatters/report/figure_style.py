"""The style of the figures: charts, clock, payouts, cohorts; on the colours of `style`."""

FIGURE_CSS = """
:root{--model-a:var(--accent);--model-b:#0b7f78;--model-c:#a85b00;--wash:rgba(var(--shade),.07)}
@media (prefers-color-scheme:dark){:root{--model-b:#45c6bb;--model-c:#f0a94a}}
section>p.told,.told{margin:10px 0 0;color:var(--ink)}.told b{font-weight:600}
small{font-size:12.5px}
ol.chart,ol.movers{list-style:none;padding:0;margin:0}
ol.chart li,ol.movers li{display:grid;align-items:start;gap:0 10px;padding:9px 0;border-top:1px solid var(--line)}
ol.chart li:first-child,ol.movers li:first-child{border-top:0}
ol.chart li{grid-template-columns:30px 44px minmax(0,1fr) auto}
ol.movers li{grid-template-columns:58px minmax(0,1fr)}
.chart .rank{white-space:nowrap;font-size:20px;line-height:1.1;letter-spacing:-.02em;text-align:right}
.chart .move{font-size:12.5px;padding-top:2px;white-space:nowrap}.chart .same{color:var(--soft)}
.same i{font-style:normal}
.chart .what,.movers .what{min-width:0;overflow-wrap:anywhere;line-height:1.35}
.what>b{font-weight:600}.what>span:not(.bar){color:var(--soft)}.what .bar{display:block;height:5px;margin:5px 0 3px}
.what small{display:block}.chart .n{text-align:right;line-height:1.2}.chart .n small{display:block}
.chart .pill{padding:0 7px;font-size:11.5px}.pill.fresh{color:var(--accent);border-color:var(--accent)}
.pill.back{color:var(--model-b);border-color:var(--model-b)}
.times{font-size:18px;letter-spacing:-.02em;line-height:1.2}
.clock{margin:6px 0 2px}.clock .row{display:grid;grid-template-columns:36px minmax(0,1fr) 92px;gap:8px;
align-items:center}
.clock .row>b{font-weight:500;font-size:12.5px;color:var(--soft)}
.clock .hours{display:grid;grid-template-columns:repeat(24,minmax(0,1fr));gap:2px}
.clock .hours i{height:22px;border-radius:3px;background:rgba(var(--shade),calc(.06 + var(--heat)*.86));margin:1px 0}
.clock .hours i.peak{outline:2px solid var(--ink);outline-offset:0}
.clock .bars .hours{align-items:end;height:44px}.clock .bars .hours i{background:var(--accent);opacity:.55;margin:0;
border-radius:2px 2px 0 0;min-height:1px}
.clock .scale-words{display:flex;align-items:center;gap:8px;font-size:12.5px;color:var(--soft);margin-left:44px}
.clock .scale-words i{display:block;width:96px;height:8px;border-radius:4px;
background:linear-gradient(90deg,rgba(var(--shade),.06),rgba(var(--shade),.92))}
.clock .names{font-size:12px;color:var(--soft)}.clock .names span{white-space:nowrap}
.clock em{font-style:normal;display:flex;align-items:center;gap:6px;font-size:12.5px;color:var(--soft)}
.clock em i{display:block;height:10px;border-radius:2px;background:var(--accent);opacity:.55;flex:none;
max-width:52px}
.m{display:inline-block;width:11px;height:11px;border-radius:50%;background:var(--model-a)}
.m.user_centric{background:var(--model-b);border-radius:2px}
.m.artist_centric{background:var(--model-c);border-radius:1px;transform:rotate(45deg) scale(.84)}
.key.models{padding-left:0;margin:4px 0 8px}.key.models .m{width:11px;height:11px;border:0;margin-right:7px}
.key.models .m.pro_rata{background:var(--model-a)}.key.models .m.user_centric{background:var(--model-b)}
.key.models .m.artist_centric{background:var(--model-c)}
.lane{display:grid;grid-template-columns:minmax(150px,1.3fr) minmax(160px,2fr) repeat(3,104px);gap:0 14px;
align-items:center;padding:7px 0;border-top:1px solid var(--line);font-size:14px}
.lane.head{border-top:0;padding-bottom:2px;color:var(--soft);font-size:12.5px;font-weight:600}
.lane .name{overflow-wrap:anywhere;line-height:1.3}.lane .n{text-align:right;white-space:nowrap}
.lane .narrow{display:none}.lane .track{position:relative;height:18px;margin:0 8px;
background:linear-gradient(var(--line),var(--line)) center/100% 1px no-repeat}
.lane .track .m{position:absolute;top:50%;margin:-5.5px 0 0 -5.5px;border:1.5px solid var(--card);
box-sizing:content-box;
width:9px;height:9px}
.lane .track u{position:absolute;top:50%;height:3px;margin-top:-1.5px;background:var(--soft);opacity:.45}
.lane.two-way{grid-template-columns:minmax(150px,1.3fr) minmax(160px,3fr) 110px}
.axis{position:relative;height:14px;background:linear-gradient(var(--soft),var(--soft)) center/1px 100% no-repeat}
.axis i{position:absolute;top:2px;bottom:2px}.axis .loss{right:50%;background:var(--bad);border-radius:3px 0 0 3px}
.axis .gain{left:50%;background:var(--good);border-radius:0 3px 3px 0}
.two.lean{grid-template-columns:minmax(0,380px) minmax(0,1fr);align-items:center}
.lorenz{margin:0}.lorenz .square{position:relative;aspect-ratio:1;border:1px solid var(--line);border-radius:4px;
background:var(--wash)}
.lorenz svg{position:absolute;inset:0;width:100%;height:100%}
.curve{fill:none;stroke-width:2;vector-effect:non-scaling-stroke;stroke:var(--model-a);stroke-linejoin:round}
.curve.user_centric{stroke:var(--model-b);stroke-dasharray:6 3}.curve.artist_centric{stroke:var(--model-c);
stroke-dasharray:2 3}
.even{stroke:var(--soft);stroke-width:1;vector-effect:non-scaling-stroke}
.lorenz .on-line{position:absolute;left:50%;top:50%;transform:translate(-50%,-50%) rotate(-45deg) translateY(-11px);
font-size:12px;color:var(--soft);white-space:nowrap}
.lorenz .y-top{position:absolute;left:8px;top:6px;font-size:12px;color:var(--soft)}
.lorenz figcaption{display:flex;justify-content:space-between;font-size:12px;color:var(--soft);padding-top:4px}
td .m{margin-right:8px}
table.map td,table.map th{border:0;padding:3px}table.map th[scope=row],.heat th{vertical-align:middle}
.signals{min-width:150px}table.map th[scope=col]{text-align:center}
table.map td[style]{background:rgba(var(--shade),calc(.04 + var(--heat)*.4));border:2px solid var(--card);
border-radius:6px;
padding:5px 8px 3px;min-width:84px;text-align:center}
table.map td b{font-weight:600;font-size:14px}table.map svg{display:block;width:100%;height:22px}
table.map .seen{stroke:var(--ink);opacity:.6;stroke-width:1.2}
nav{display:flex;gap:8px;overflow-x:auto;padding:14px 0 4px;font-size:13px}
nav a{flex:none;border:1px solid var(--line);border-radius:99px;padding:3px 12px;background:var(--card);
color:var(--soft);text-decoration:none}nav a:hover,nav a:focus-visible{color:var(--accent);border-color:var(--accent)}
section{scroll-margin-top:12px}@media print{nav{display:none}}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(170px,1fr));gap:14px;margin:8px 0 14px}
.figures b{display:block;font-size:25px;line-height:1.2;letter-spacing:-.02em}.figures small{display:block}
.figures span{font-size:13px}
.cohorts td{padding-left:8px}.cohorts td.shade{background:rgba(var(--shade),calc(var(--heat)*.62))}
@media (max-width:720px){
.lane{grid-template-columns:minmax(0,1fr)}.lane.head,.lane .wide{display:none}.lane .narrow{display:block}
.lane .track{margin:6px 8px 2px}
.lane.two-way{grid-template-columns:minmax(0,1fr) 96px}.lane.two-way .axis{grid-column:1/-1;grid-row:2;margin-top:4px}
.two.lean{grid-template-columns:minmax(0,1fr)}.lorenz .square{max-width:380px}
.clock .row{grid-template-columns:30px minmax(0,1fr) 0;gap:4px}.clock em{display:none}.clock .hours{gap:1px}
.clock .hours i{height:18px;border-radius:2px}
ol.chart li{grid-template-columns:28px 38px minmax(0,1fr) auto;gap:0 6px}}
"""
