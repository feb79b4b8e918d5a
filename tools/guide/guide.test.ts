import { describe, expect, it } from 'vitest'
import { readPages } from './pages.ts'
import { notRun, walk } from './walk.ts'
import { faultsOf } from './yaml.ts'

/** Pages whose commands are followed elsewhere, and where. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  README: 'npm start and npm test are what runs this',
  contributing: 'npm test is what runs this',
  'write-a-plugin': 'packages/create-plugin follows it, with a registry',
  'embed-the-core': 'packages/create-plugin follows it, with a registry',
}

const pages = readPages()

describe.each(pages)('the page $name', ({ name, blocks }) => {
  const yaml = blocks.filter(({ language }) => language === 'yaml')
  it.skipIf(!yaml.length)('has YAML that is taken as it stands', async () => {
    const faults = yaml.map(async ({ text, line }) =>
      (await faultsOf(text)).map((fault) => `block at ${line}: ${fault}`),
    )
    expect((await Promise.all(faults)).flat()).toEqual([])
  })

  const commands = blocks.some(({ language }) => language === 'sh')
  it.skipIf(!commands || name in ELSEWHERE)(
    'can be followed to its end',
    () => expect(walk(blocks)).resolves.toBeUndefined(),
    600_000,
  )
})

it('few commands are not run, for want of a cluster or a network', () => {
  const left = pages
    .filter(({ name }) => !(name in ELSEWHERE))
    .map(({ name, blocks }) => [name, notRun(blocks)] as const)
  expect(Object.fromEntries(left.filter(([, commands]) => commands.length))).toMatchInlineSnapshot(`{}`)
})
