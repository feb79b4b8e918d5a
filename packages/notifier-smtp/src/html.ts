import type { Card, Fact } from './card.ts'
import { linesOf, visible } from './visible.ts'

/** Text that is HTML already. */
class Markup {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

type Part = string | Markup | readonly Markup[]

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

const escaped = (text: string) => visible(text).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '')

/** A template whose values are escaped, unless they are markup of a template like it. */
function markup(fixed: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  const written = parts.map((part) => {
    if (typeof part === 'string') return escaped(part)
    return part instanceof Markup ? part.text : part.map(({ text }) => text).join('')
  })
  return new Markup(String.raw({ raw: fixed }, ...written))
}

/** Nothing is loaded from anywhere: no image, no font. White on each colour reads well on light and on dark ground. */
const STYLE = new Markup(`
  :root { color-scheme: light dark; }
  body { margin: 0; padding: 16px; background: #f4f6f8; color: #1f2328; font: 14px/1.45 system-ui, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif; }
  .card { max-width: 720px; margin: 0 auto 16px; background: #fff; border: 1px solid #d0d7de; border-radius: 8px; overflow: hidden; }
  .head { padding: 12px 16px; color: #fff; }
  .success { background: #1a7f37; } .failure { background: #c02a2a; } .interrupted { background: #a04a00; }
  .ignored { background: #59636e; } .in_progress { background: #0b5cad; }
  .badge { font-size: 12px; font-weight: 700; letter-spacing: .06em; text-transform: uppercase; }
  h1 { margin: 2px 0 0; font-size: 18px; line-height: 1.3; overflow-wrap: anywhere; }
  .body { padding: 4px 16px 12px; }
  .summary { font-size: 15px; overflow-wrap: anywhere; }
  h2 { margin: 16px 0 4px; font-size: 12px; letter-spacing: .06em; text-transform: uppercase; color: #59636e; }
  table { border-collapse: collapse; width: 100%; }
  th, td { padding: 4px 0; border-top: 1px solid #e5e9ed; text-align: left; vertical-align: top; }
  th { width: 26%; padding-right: 12px; font-weight: 600; color: #59636e; overflow-wrap: break-word; }
  .fields th { width: 34%; overflow-wrap: anywhere; }
  td { overflow-wrap: anywhere; }
  .fields td, .fields th, pre { font: 12px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; }
  pre { margin: 0; padding: 8px 10px; background: #f4f6f8; border-radius: 6px; white-space: pre-wrap; overflow-wrap: anywhere; }
  .foot { max-width: 720px; margin: 0 auto; font-size: 12px; color: #59636e; }
  @media (prefers-color-scheme: dark) {
    body { background: #0d1117; color: #e6edf3; }
    .card { background: #161b22; border-color: #30363d; }
    th, td { border-color: #2a3038; }
    h2, th, .foot { color: #9aa4ae; }
    pre { background: #0d1117; }
  }
`)

/** Cards as an HTML page that needs nothing but itself. */
export function htmlOf(cards: readonly Card[], title: string, footer: string): string {
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
${cards.map(sectionOf)}<p class="foot">${footer}</p>
</body>
</html>
`.text
}

function sectionOf({ status, title, summary, facts, output, event, fields }: Card): Markup {
  return markup`<div class="card">
<div class="head ${status}"><div class="badge">${status.replace('_', ' ')}</div><h1>${title}</h1></div>
<div class="body">
<p class="summary">${summary}</p>
${table(facts)}${output === undefined ? '' : block(output)}<h2>Event</h2>
${table(event)}${fields.length ? markup`<h2>Output fields</h2>\n${table(fields, 'fields')}` : ''}</div>
</div>
`
}

function table(facts: readonly Fact[], kind = 'facts'): Markup {
  const rows = facts.map(([label, value]) => markup`<tr><th scope="row">${label}</th><td>${value}</td></tr>\n`)
  return markup`<table class="${kind}">\n${rows}</table>\n`
}

function block(text: string): Markup {
  return markup`<h2>Result</h2>\n<pre>${new Markup(linesOf(text).map(escaped).join('\n'))}</pre>\n`
}
