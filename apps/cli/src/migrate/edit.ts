import { stringify, type Node, type Pair, type Scalar, type YAMLMap } from 'yaml'

/** A piece of a text, and what takes its place. */
export interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
}

/** Applies edits; one that lies inside of another is part of what goes away. */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  const outer = edits.filter(
    (one, index) =>
      !edits.some(
        (other, at) => other.start <= one.start && one.end <= other.end && (same(one, other) ? at < index : true),
      ),
  )
  return outer
    .toSorted((a, b) => b.start - a.start)
    .reduce((now, { start, end, text: into }) => now.slice(0, start) + into + now.slice(end), text)
}

/** The same edits, with every line where it was: what stands behind them is still found by its line. */
export function keepingLines(text: string, edits: readonly Edit[]): Edit[] {
  return edits.map(({ start, end, text: into }) => {
    const lines = text.slice(start, end).split('\n').length - into.split('\n').length
    const blanks = ' '.repeat(Math.max(0, end - start - into.length))
    return { start, end, text: into + (lines > 0 ? '\n'.repeat(lines) : blanks) }
  })
}

/** What an anchor names is met wherever an alias stands for it. */
const same = (one: Edit, other: Edit) => one.start === other.start && one.end === other.end

/** Writes a scalar anew, in the quotes that it has. */
export function rewrite(text: string, scalar: Scalar<string>, change: (value: string) => string): Edit {
  const { start, end } = rangeOf(scalar)
  // Lines of a block stand there as they are.
  if (scalar.type === 'BLOCK_LITERAL' || scalar.type === 'BLOCK_FOLDED')
    return { start, end, text: change(text.slice(start, end)) }
  const options = { lineWidth: 0, ...(scalar.type && { defaultStringType: scalar.type }) }
  return { start, end, text: stringify(change(scalar.value), options).trimEnd() }
}

/** Takes a pair out of its map: whole lines, unless it shares them with others. */
export function removal(text: string, map: YAMLMap, pair: Pair): Edit {
  const { start } = rangeOf(pair.key as Node)
  const end = endOf(pair)
  const index = map.items.indexOf(pair)
  const [before, after] = [map.items[index - 1], map.items[index + 1]]
  const line = text.lastIndexOf('\n', start - 1) + 1
  const ownLine = !map.flow && text.slice(line, start).trim() === ''
  if (ownLine) return { start: line, end: endOfLine(text, end), text: '' }
  if (after) return { start, end: rangeOf(after.key as Node).start, text: '' }
  if (before && map.flow) return { start: endOf(before), end, text: '' }
  // The only pair, beside what begins the map: `- key: value`.
  return { start, end, text: map.flow ? '' : '{}' }
}

function endOf({ key, value }: Pair): number {
  return value === null ? rangeOf(key as Node).end : rangeOf(value as Node).end
}

/** What comes before the end of the line is a comment on what is there. */
function endOfLine(text: string, end: number): number {
  if (text[end - 1] === '\n') return end
  const next = text.indexOf('\n', end)
  return next < 0 ? text.length : next + 1
}

function rangeOf({ range }: Pick<Node, 'range'>): { start: number; end: number } {
  const [start = 0, end = start] = range ?? []
  return { start, end }
}
