import type { Series } from '../counterparts/prometheus.ts'
import type { Panel } from '../observability/panels.ts'

const COLORS = ['#5b8def', '#e8a33d', '#58b368', '#d9534f', '#9b6dd7', '#3fb8b0', '#c9649b', '#8a8f98']
/** Of the drawing, in its own units. */
const [WIDTH, HEIGHT] = [400, 150]

/** A line or a number of a panel, with its name. */
export interface Named {
  readonly name: string
  readonly values: Series['values']
}

const escape = (text: string) => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)

const TEXTS: Readonly<Record<Panel['unit'], (value: number) => string>> = {
  bool_yes_no: (value) => (value ? 'Yes' : 'No'),
  percentunit: (value) => `${(value * 100).toFixed(value < 0.1 ? 1 : 0)}%`,
  s: (value) =>
    value < 1 ? `${short(value * 1000)} ms` : value < 120 ? `${short(value)} s` : `${short(value / 60)} min`,
  bytes: (value) => (value < 2 ** 20 ? `${short(value / 2 ** 10)} KiB` : `${short(value / 2 ** 20)} MiB`),
  ops: (value) => `${short(value)}/s`,
  short,
}

/** A value with its unit, as short as it can be read. */
const valueText = (value: number, unit: Panel['unit']) => TEXTS[unit](value)

function short(value: number): string {
  return String(Number(value.toPrecision(3)))
}

/** A panel as a tile with one number. */
export function tile({ title, unit, alarm }: Panel, [first]: readonly Named[]): string {
  const value = first?.values.at(-1)?.[1] ?? Number.NaN
  const bad = alarm && (alarm.below ? value < alarm.at : value >= alarm.at)
  return `<section class="tile"><h3>${escape(title)}</h3><p class="${bad ? 'bad' : 'good'}">${valueText(value, unit)}</p></section>`
}

/** A panel as lines over time, with the last value of each. */
export function graph({ title, unit }: Panel, lines: readonly Named[], from: number, to: number): string {
  const known = lines.flatMap(({ values }) => values.map(([, value]) => value)).filter(Number.isFinite)
  const top = Math.max(...known) || 1
  const x = (time: number) => (((time - from) / (to - from)) * WIDTH).toFixed(1)
  const y = (value: number) => (HEIGHT - (value / top) * (HEIGHT - 8)).toFixed(1)
  const colorOf = (index: number) => COLORS[index % COLORS.length]
  const drawn = lines.map(({ values }, index) => {
    const points = values.filter(([, value]) => Number.isFinite(value)).map(([time, value]) => `${x(time)},${y(value)}`)
    return `<polyline points="${points.join(' ')}" stroke="${colorOf(index)}"/>`
  })
  const grid = [0.25, 0.5, 0.75].map((part) => `<line x2="${WIDTH}" y1="${y(top * part)}" y2="${y(top * part)}"/>`)
  const legend = lines.map(
    ({ name, values }, index) =>
      `<li><i style="background:${colorOf(index)}"></i>${escape(name)} <b>${valueText(values.at(-1)?.[1] ?? 0, unit)}</b></li>`,
  )
  return `<section class="graph"><h3>${escape(title)}</h3><div class="top">${valueText(top, unit)}</div><svg viewBox="0 0 ${WIDTH} ${HEIGHT}">${grid.join('')}${drawn.join('')}</svg><ul>${legend.join('')}</ul></section>`
}

/** A page of sections. */
export function page(
  title: string,
  note: string,
  sections: readonly { title: string; panels: readonly string[] }[],
): string {
  const body = sections.map(
    (section) => `<h2>${escape(section.title)}</h2><div class="panels">${section.panels.join('')}</div>`,
  )
  return `<!doctype html><meta charset="utf-8"><style>${STYLE}</style><h1>${escape(title)}</h1><p class="note">${escape(note)}</p>${body.join('')}`
}

const STYLE = `
body { margin: 0; padding: 24px; background: #f4f5f7; color: #22252b; font: 13px/1.4 'DejaVu Sans', sans-serif }
h1 { font-size: 20px; margin: 0 } h2 { font-size: 14px; margin: 20px 0 8px } h3 { font-size: 12px; margin: 0 0 6px; font-weight: 600 }
.note { color: #6b7078; margin: 4px 0 0 }
.panels { display: flex; flex-wrap: wrap; gap: 10px }
section { background: #fff; border: 1px solid #dfe2e7; border-radius: 4px; padding: 10px; box-sizing: border-box; position: relative }
.tile { width: calc((100% - 50px) / 6) } .graph { width: calc((100% - 20px) / 3) }
.tile p { font-size: 24px; margin: 6px 0 0; text-align: center } .good { color: #3c8d4f } .bad { color: #c9302c }
.top { position: absolute; right: 12px; top: 10px; color: #8a8f98; font-size: 11px }
svg { width: 100%; display: block; border-bottom: 1px solid #c5c9d0 }
polyline { fill: none; stroke-width: 1.6; stroke-linejoin: round } line { stroke: #eceef1 }
ul { list-style: none; padding: 0; margin: 6px 0 0; display: flex; flex-wrap: wrap; gap: 2px 12px; font-size: 11px; color: #4a4e55 }
i { display: inline-block; width: 9px; height: 3px; margin-right: 5px; vertical-align: middle }
`
