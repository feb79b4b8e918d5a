import { paintFor } from './issues/text.ts'

/** Prints rows in columns as wide as their widest cell; the keys of the first row are the heads. */
export function printTable(rows: readonly Record<string, string>[]): void {
  const paint = paintFor(process.stdout)
  const heads = Object.keys(rows[0] ?? {})
  const widths = heads.map((head) => Math.max(head.length, ...rows.map((row) => row[head]?.length ?? 0)))
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd()
  console.log(paint('bold', line(heads)))
  for (const row of rows) console.log(line(heads.map((head) => row[head] ?? '')))
}
