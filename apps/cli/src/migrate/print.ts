import { clean, type Paint } from '../issues/text.ts'
import type { Finding, FindingKind } from './finding.ts'

const COLOUR = { changed: 'green', removed: 'green', differs: 'yellow', decide: 'red' } as const
const SUMMARY: Readonly<Record<FindingKind, string>> = {
  changed: 'changed',
  removed: 'removed, without effect until now',
  differs: 'differ in what they do',
  decide: 'to decide',
}

/** Prints the findings, a line each, in the order of the files, and how many there are. */
export function printFindings(findings: readonly Finding[], paint: Paint): void {
  const sorted = findings.toSorted((a, b) => (a.file === b.file ? (a.line ?? 0) - (b.line ?? 0) : 0))
  for (const { kind, file, line, message } of sorted) {
    const place = line === undefined ? file : `${file}:${line}`
    console.log(`${paint('bold', place)}: ${paint(['bold', COLOUR[kind]], `${kind}:`)} ${clean(message)}`)
  }
  const changes = findings.some(({ kind }) => kind === 'changed' || kind === 'removed')
  const counts = Object.entries(SUMMARY).flatMap(([kind, text]) => {
    const count = findings.filter((one) => one.kind === kind).length
    return count ? [`${count} ${text}`] : []
  })
  console.log(`${findings.length ? '\n' : ''}${[...(changes ? [] : ['nothing to change']), ...counts].join(', ')}`)
}
