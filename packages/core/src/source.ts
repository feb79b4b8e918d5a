import type { Issue } from '@talon/plugin'
import { distance } from 'fastest-levenshtein'
import type { LineCounter } from 'yaml'

/** A file that an operator wrote: its name, as it is shown, and its text. */
export interface RuleSource {
  readonly name: string
  readonly text: string
}

/** A file with its lines found, so that issues can show them. */
export interface SourceFile extends RuleSource {
  readonly lines: LineCounter
}

/** Where something stands: offsets into the text. */
export interface Place {
  readonly file: SourceFile
  readonly start: number
  readonly end: number
}

/** An issue that shows the line and the characters it is about. */
export function issueAt({ file, start, end }: Place, level: Issue['level'], message: string, hint?: string): Issue {
  const { line, col } = file.lines.linePos(start)
  const source = file.text.split('\n', line)[line - 1]?.replace(/\r$/, '') ?? ''
  const length = Math.max(1, Math.min(end - start, source.length - col + 1))
  return { level, message, file: file.name, line, column: col, length, source, ...(hint && { hint }) }
}

/** The name that was meant, perhaps: near enough, a third of its letters off at most, two where letters changed places. */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  const near = [...known]
    .map((candidate) => ({ candidate, off: distance(name.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ candidate, off }) => off <= Math.ceil(Math.min(name.length, candidate.length) / 3))
    .toSorted((a, b) => a.off - b.off)
  return near[0]?.candidate
}

/** `did you mean 'x'?`, or what there is where that is short, or nothing. */
export function suggest(name: string, known: Iterable<string>): string | undefined {
  const all = [...known]
  // `terminate` for `kubernetes:terminate`.
  const near = nearest(name, all) ?? all.find((one) => one.endsWith(`:${name.toLowerCase()}`))
  if (near !== undefined) return `did you mean '${near}'?`
  return all.length > 0 && all.length <= 8 ? `known: ${all.join(', ')}` : undefined
}

/** Every issue once, in the order of the files. */
export function sortIssues(issues: readonly Issue[], files: readonly RuleSource[]): Issue[] {
  const order = new Map(files.map(({ name }, index) => [name, index]))
  const placeOf = ({ file = '' }: Issue) => order.get(file) ?? -1
  const seen = new Set<string>()
  return issues
    .filter(({ file, line, column, message }) => {
      const key = JSON.stringify([file, line, column, message])
      return !seen.has(key) && seen.add(key)
    })
    .toSorted((a, b) => placeOf(a) - placeOf(b) || (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0))
}
