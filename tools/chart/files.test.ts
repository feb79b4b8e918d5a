import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { CHART, chartFiles } from './files.ts'

const files = await chartFiles()

it.each([...files])('%s of the chart is as its sources say; otherwise: npm run chart', (path, text) => {
  expect(readFileSync(join(CHART, path), 'utf8')).toBe(text)
})

it('values.yaml says every value that its schema knows', () => {
  const schema = JSON.parse(files.get('values.schema.json') ?? '') as { properties: Record<string, object> }
  const values = parse(readFileSync(join(CHART, 'values.yaml'), 'utf8')) as Record<string, unknown>
  expect(Object.keys(values).toSorted()).toEqual(
    Object.keys(schema.properties)
      .filter((name) => name !== 'global')
      .toSorted(),
  )
})
