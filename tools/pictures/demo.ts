import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { screenshot } from './browser.ts'

const START = join(import.meta.dirname, '../start.ts')

/** What a terminal makes of the codes that `styleText` writes. https://nodejs.org/api/util.html#foreground-colors */
const LOOKS: Readonly<Record<string, string>> = {
  1: 'font-weight: 700; color: #f0f6fc',
  2: 'color: #8b949e',
  31: 'color: #ff7b72',
  32: 'color: #3fb950',
  33: 'color: #d29922',
  35: 'color: #d2a8ff',
  36: 'color: #39c5cf',
}
const STYLE = `
  body { margin: 0; padding: 18px 22px; background: #0d1117; color: #c9d1d9 }
  pre { margin: 0; font: 13px/1.45 'DejaVu Sans Mono', monospace }`

/** What `npm start` prints, as a terminal shows it. */
export async function demo(file: string): Promise<void> {
  const env = { ...process.env, FORCE_COLOR: '1' }
  const printed = execFileSync(process.execPath, [START, '--once'], { encoding: 'utf8', env })
  const html = `<!doctype html><meta charset="utf-8"><style>${STYLE}</style><pre>$ npm start\n${spans(printed)}</pre>`
  await screenshot(html, file, { width: 960 })
}

/** Each style that begins is a span, until it ends. */
function spans(printed: string): string {
  const escaped = printed.trimEnd().replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  // eslint-disable-next-line no-control-regex -- the codes begin with one
  return escaped.replaceAll(/\u001b\[(\d+)m/g, (_, code: string) =>
    LOOKS[code] ? `<span style="${LOOKS[code]}">` : '</span>',
  )
}
