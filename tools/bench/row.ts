/** One line of the table: what was measured, against what, in the same run. */
export interface Row {
  readonly what: string
  /** What Talon took, with its unit. */
  readonly measured: string
  /** What it is held against, with its unit. */
  readonly baseline: string
  /** The one over the other, or their difference. */
  readonly result: string
  readonly aim: string
  readonly met: boolean | undefined
}

/** A measurement: it starts what it needs, and ends it. */
export interface Bench {
  readonly name: string
  /** Takes many minutes: run only where it is named. */
  readonly long?: boolean
  /** In one line, why it cannot run here. */
  readonly missing?: string | undefined
  run(): Promise<readonly Row[]>
}

/** The value that a share of all stays below: `quantile(times, 0.99)`. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export const median = (values: readonly number[]) => quantile(values, 0.5)

export function markdown(rows: readonly Row[]): string {
  const verdict = (met: boolean | undefined) => (met === undefined ? '' : met ? 'met' : '**missed**')
  const lines = rows.map(
    (row) => `| ${row.what} | ${row.measured} | ${row.baseline} | ${row.result} | ${row.aim} | ${verdict(row.met)} |`,
  )
  return ['| what | Talon | against | result | aim | |', '| --- | --- | --- | --- | --- | --- |', ...lines].join('\n')
}
