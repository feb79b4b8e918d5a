import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readPages, ROOT } from './pages.ts'

/** Sources as they are said: without the escapes of quotes. */
const sources = globSync('{packages,apps}/*/src/**/*.ts', { cwd: ROOT })
  .filter((path) => !/\.(test|fixture)\.ts$/.test(path))
  .map((path) => readFileSync(join(ROOT, path), 'utf8').replaceAll('\\', ''))

/** The messages of the page's tables: the first cell of each row. */
function quoted(): string[] {
  const page = readPages().find(({ name }) => name === 'troubleshoot')
  return [...(page?.text ?? '').matchAll(/^\| `([^`]+)`/gm)].map(([, message = '']) => message)
}

/** The parts of a message that do not differ from case to case. Signs alone say nothing. */
const partsOf = (message: string) => message.split('…').filter((part) => /\w{2}/.test(part))

it.each(quoted())('is said by Talon: %s', (message) => {
  const parts = partsOf(message)
  expect(parts.join('').length).toBeGreaterThan(6)
  expect(sources.some((source) => parts.every((part) => source.includes(part)))).toBe(true)
})

it('a message that nobody says would be found', () => {
  expect(quoted().length).toBeGreaterThan(40)
  expect(sources.some((source) => source.includes('the moon cannot be reached'))).toBe(false)
})
