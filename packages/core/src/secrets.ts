import type { Issue } from '@talon/plugin'
import type { Place } from './source.ts'

/** Keys whose values are hidden where a file cannot be read as YAML, so that nobody knows what is a secret in it. */
const TELLING = /(key|secret|password|token|url|header)[\w-]*["']?\s*:\s*(?=\S)/i

/** Issues whose source lines show no secret: stars stand for it, as many as its letters, so that columns stay right. */
export function hideSecrets(issues: readonly Issue[], secrets: readonly Place[]): Issue[] {
  return issues.map((issue) => {
    const { file, line, source, message } = issue
    if (source === undefined || line === undefined) return issue
    if (message.startsWith('YAML: ')) return { ...issue, source: hideAfterKey(source) }
    let shown = source
    for (const { file: of, start, end } of secrets) {
      const begin = of.lines.lineStarts[line - 1]
      if (of.name !== file || begin === undefined) continue
      shown = cover(shown, start - begin, end - begin)
    }
    return { ...issue, source: shown }
  })
}

function hideAfterKey(source: string): string {
  const found = TELLING.exec(source)
  return found ? cover(source, found.index + found[0].length, source.length) : source
}

function cover(text: string, from: number, to: number): string {
  const [start, end] = [Math.max(from, 0), Math.min(to, text.length)]
  return start < end ? text.slice(0, start) + '*'.repeat(end - start) + text.slice(end) : text
}
