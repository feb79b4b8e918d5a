import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { dashboard, dashboardText } from './dashboard.ts'

describe('the dashboard', () => {
  it('lies in docs/observability as its panels say; otherwise: npm run dashboard', () => {
    const file = join(import.meta.dirname, '../../docs/observability/dashboard.json')
    expect(readFileSync(file, 'utf8')).toBe(dashboardText())
  })

  it('has panels that lie side by side, each with a number of its own', () => {
    const panels = dashboard().panels ?? []
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } = { x: 0, y: 0, w: 0, h: 0 } }) =>
      Array.from({ length: w * h }, (_, n) => ({ column: x + (n % w), row: y + Math.floor(n / w) })),
    )
    expect(Math.max(...cells.map(({ column }) => column))).toBe(23)
    expect(new Set(cells.map(({ column, row }) => `${column} ${row}`)).size).toBe(cells.length)
  })
})
