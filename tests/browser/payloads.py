"""What attackers write: each line tries to run `alert(1)` in the page of whoever reads it.

After the filter-evasion collections of OWASP and PortSwigger, advisories of Gitea, GitLab, Jupyter and DOMPurify,
and Markdown's own ways.
"""

from __future__ import annotations

# What works in HTML, alone or within Markdown.
MARKUP = [
    "<script>alert(1)</script>",
    "<ScRiPt>alert(1)</sCrIpT>",
    "<script src=data:text/javascript,alert(1)></script>",
    "<script/x>alert(1)</script>",
    "<<script>alert(1);//<</script>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<script>alert(1)//",
    "<script type=module>alert(1)</script>",
    "<script type=speculationrules>{}</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<img src=x onerror=alert(1)//",
    "<IMG SRC=x OnErRoR=alert(1)>",
    '<img src="x` `<script>alert(1)</script>"` `>',
    "<img/src/onerror=alert(1)>",
    "<img src=x:alert(alt) onerror=eval(src) alt=1>",
    '<img """><script>alert(1)</script>">',
    "<img src=1 href=1 onerror='javascript:alert(1)'></img>",
    "<image src=x onerror=alert(1)>",
    '<img srcset="x" onerror=alert(1)>',
    '<img src="/static/x" onload="alert(1)" loading=eager>',
    "<picture><source srcset=x><img src=x onerror=alert(1)></picture>",
    "<svg onload=alert(1)>",
    "<svg/onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><script href=data:,alert(1) /></svg>",
    "<svg><a xlink:href=javascript:alert(1)><text x=20 y=20>go</text></a></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<svg><set attributeName=onmouseover to=alert(1)></svg>",
    "<svg><use href=\"data:image/svg+xml,<svg id='x' xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>#x\"></use></svg>",
    "<svg><foreignObject><iframe srcdoc='<script>alert(1)</script>'></iframe></foreignObject></svg>",
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">',
    "<math><maction actiontype=statusline xlink:href=javascript:alert(1)>go</maction></math>",
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    "<title><img src=x onerror=alert(1)></title>",
    "<textarea autofocus onfocus=alert(1)></textarea>",
    '<xmp><p title="</xmp><svg/onload=alert(1)>">',
    "<style><img src=x onerror=alert(1)></style>",
    "<style>@import 'javascript:alert(1)';</style>",
    "<style>body{background:url(javascript:alert(1))}</style>",
    "<link rel=stylesheet href=data:text/css,*{x:expression(alert(1))}>",
    "<link rel=import href=data:text/html,<script>alert(1)</script>>",
    "<base href=javascript:alert(1)//><a href=x>go</a>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<meta http-equiv=refresh content='0;url=data:text/html,<script>alert(1)</script>'>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc='<script>parent.alert(1)</script>'></iframe>",
    "<iframe src='data:text/html,<script>parent.alert(1)</script>'></iframe>",
    "<object data=javascript:alert(1)></object>",
    "<object data='data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg=='></object>",
    "<embed src=javascript:alert(1)>",
    "<applet code=javascript:alert(1)></applet>",
    "<frameset onload=alert(1)><frame src=javascript:alert(1)></frameset>",
    "<body onload=alert(1)>",
    "<body onpageshow=alert(1)>",
    "<body background=javascript:alert(1)>",
    "<input autofocus onfocus=alert(1)>",
    "<input type=image src=x onerror=alert(1)>",
    "<select autofocus onfocus=alert(1)></select>",
    "<button autofocus onfocus=alert(1)>go</button>",
    "<form action=javascript:alert(1)><button>go</button></form>",
    "<button form=f formaction=javascript:alert(1)>go</button><form id=f></form>",
    "<isindex action=javascript:alert(1) type=image>",
    "<details open ontoggle=alert(1)><summary>go</summary></details>",
    "<video src=x onerror=alert(1)></video>",
    "<video><source onerror=alert(1)></video>",
    "<audio src=x onerror=alert(1)></audio>",
    "<marquee onstart=alert(1)>go</marquee>",
    "<div onmouseover=alert(1) style='position:fixed;inset:0'>go</div>",
    "<div style='animation-name:x' onanimationstart=alert(1)></div>",
    "<div style=\"background:url('javascript:alert(1)')\">go</div>",
    "<p contenteditable autofocus tabindex=0 onfocus=alert(1)>go</p>",
    "<dialog open onclose=alert(1)><form method=dialog><button>go</button></form></dialog>",
    "<template><img src=x onerror=alert(1)></template>",
    "<template shadowrootmode=open><img src=x onerror=alert(1)></template>",
    "<slot onslotchange=alert(1)></slot>",
    "<a href=javascript:alert(1)>go</a>",
    "<a href=JaVaScRiPt:alert(1)>go</a>",
    "<a href='java\tscript:alert(1)'>go</a>",
    "<a href='&#106;avascript:alert(1)'>go</a>",
    "<a href='\x01javascript:alert(1)'>go</a>",
    "<a href='vbscript:msgbox(1)'>go</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>go</a>",
    "<a href='//localhost/x' ping='/settings/tokens' target=_blank>go</a>",
    "<a href=x data-hx-get=/admin hx-trigger=load data-swap=main is=copy-text>go</a>",
    "<copy-text data-text='<img src=x onerror=alert(1)>' data-label='<img src=x onerror=alert(1)>'></copy-text>",
    "<upload-files data-url='javascript:alert(1)'></upload-files>",
    "<a id=main name=main href=x>clobbered</a><form id=body name=document><input name=cookie></form>",
    "<!--><img src=x onerror=alert(1)>-->",
    '<!--<img src="--><img src=x onerror=alert(1)//">',
    "<![CDATA[><img src=x onerror=alert(1)>]]>",
    "<?xml-stylesheet href=javascript:alert(1)?><img src=x onerror=alert(1)>",
    "<x onclick=alert(1) onfocus=alert(1) autofocus tabindex=1>go</x>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "</pre></code></textarea></title></script><img src=x onerror=alert(1)>",
    "{{7*7}}{% raw %}<img src=x onerror=alert(1)>",
]  # fmt: skip

# What only Markdown makes dangerous.
MARKDOWN = [
    "[go](javascript:alert(1))",
    "[go](JaVaScRiPt:alert(1))",
    "[go](java&#10;script:alert(1))",
    "[go](&#x6A;avascript:alert(1))",
    "[go](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[go](vbscript:alert(1))",
    "<javascript:alert(1)>",
    '![x](x" onerror="alert(1))',
    "![x](javascript:alert(1))",
    '![" onerror="alert(1)](x)',
    "[x]: javascript:alert(1)\n\n[x]",
    "[x](x 'a\" onmouseover=\"alert(1)')",
    "```html\n<script>alert(1)</script>\n```",
    '```"><img src=x onerror=alert(1)>\ncode\n```',
    "`<img src=x onerror=alert(1)>`",
    "# <img src=x onerror=alert(1)>",
    "[^1]\n\n[^1]: <img src=x onerror=alert(1)>",
    "| a |\n|---|\n| <img src=x onerror=alert(1)> |",
    "> [!NOTE]\n> <img src=x onerror=alert(1)>",
    "- [x] <svg/onload=alert(1)>",
    "<div>\n\n[go](javascript:alert(1))\n\n</div>",
    'http://localhost/"onmouseover=alert(1)//',
]  # fmt: skip

ALL = [*MARKUP, *MARKDOWN]

# Files that are allowed to run, but not where the hub's cookies are.
PAGE = """<!doctype html><meta charset=utf-8><title>hostile</title><body>
<script>
const out = {};
const note = (name, make) => { try { out[name] = String(make()); } catch (error) { out[name] = 'refused ' + error.name; } };
note('cookie', () => document.cookie);
note('storage', () => { localStorage.setItem('a', 'b'); return 'stored'; });
note('parent', () => parent === window ? 'refused alone' : parent.document.title);
note('top', () => { if (top === window) return 'refused alone'; top.location = 'HUB/login?stolen'; return 'moved'; });
note('opened', () => { const made = window.open('HUB/settings/tokens'); return made ? 'opened' : 'refused null'; });
note('worker', () => { navigator.serviceWorker.register('x.js'); return 'registered'; });
note('origin', () => self.origin);
const ask = async (name, make) => { try { const r = await make(); out[name] = 'answered ' + r.status; } catch (error) { out[name] = 'refused ' + error.name; } };
(async () => {
  await ask('api', () => fetch('HUB/api/whoami-v2', {credentials: 'include'}));
  await ask('opaque', () => fetch('HUB/settings/tokens', {credentials: 'include', mode: 'no-cors'}));
  await ask('write', () => fetch('HUB/api/repos/create', {method: 'POST', credentials: 'include', mode: 'no-cors', body: '{"name":"stolen"}'}));
  await ask('here', () => fetch('/show/x/y', {credentials: 'include'}));
  document.body.insertAdjacentHTML('beforeend', '<pre id=out></pre>');
  document.getElementById('out').textContent = JSON.stringify(out);
})();
</script>
<form id=f method=post action=HUB/settings/look target=_top><input name=lang value=zh></form><script>try { f.submit() } catch (e) {}</script>
"""  # noqa: E501 - a page, not a program

DRAWING = """<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" onload="alert(1)">
<script>alert(1)</script><image href="x" onerror="alert(1)"/><a xlink:href="javascript:alert(1)"><text y="20">go</text></a>
<foreignObject><body xmlns="http://www.w3.org/1999/xhtml"><img src="x" onerror="alert(1)"/></body></foreignObject></svg>"""
