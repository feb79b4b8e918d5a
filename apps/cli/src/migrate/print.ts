import { clean, type Paint } from '../issues/text.ts'
import type { Finding, FindingKind } from './finding.ts'

const COLOUR = { changed: 'green', removed: 'green', differs: 'yellow', decide: 'red' } as const
const SUMMARY: Readonly<Record<FindingKind, string>> = {
  changed: 'changed',
  removed: 'removed, without effect until now',
  differs: 'differ in what they do',
  decide: 'to decide',
}

/** Prints the findings in the order of the files, the same one once with all its lines, and how many there are. */
export function printFindings(findings: readonly Finding[], paint: Paint): void {
  const said = Map.groupBy(
    findings.toSorted((a, b) => (a.file === b.file ? (a.line ?? 0) - (b.line ?? 0) : 0)),
    ({ file, kind, message }) => JSON.stringify([file, kind, message]),
  )
  const kinds = [...said.values()].flatMap((same) => {
    const [first] = same
    if (!first) return []
    const { file, kind, message } = first
    const lines = same.flatMap(({ line }) => line ?? [])
    const place = lines.length ? `${file}:${lines.join(',')}` : file
    console.log(`${paint('bold', place)}: ${paint(['bold', COLOUR[kind]], `${kind}:`)} ${clean(message)}`)
    return [kind]
  })
  const counts = Object.entries(SUMMARY).flatMap(([kind, text]) => {
    const count = kinds.filter((one) => one === kind).length
    return count ? [`${count} ${text}`] : []
  })
  const changes = kinds.includes('changed') || kinds.includes('removed')
  console.log(`${kinds.length ? '\n' : ''}${[...(changes ? [] : ['nothing to change']), ...counts].join(', ')}`)
}
