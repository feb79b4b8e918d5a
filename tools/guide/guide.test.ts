import { expect, it } from 'vitest'
import { blocksOf, readPages } from './pages.ts'
import { notRun, walk } from './walk.ts'
import { faultsOf } from './yaml.ts'

/** Pages whose commands are followed elsewhere, and where. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  README: 'npm start and npm test are what runs it',
  contributing: 'npm test is what runs it',
  'write-a-plugin': 'packages/create-plugin/src/guide.test.ts',
  'embed-the-core': 'packages/create-plugin/src/guide.test.ts',
}

const pages = readPages()
const withBlocks = (wanted: string) => pages.filter(({ blocks }) => blocks.some(({ language }) => language === wanted))

it.each(withBlocks('yaml'))('the YAML of $name is taken as it stands', async ({ blocks }) => {
  const yaml = blocks.filter(({ language }) => language === 'yaml')
  const faults = yaml.map(async ({ text, line }) => (await faultsOf(text)).map((fault) => `block at ${line}: ${fault}`))
  expect((await Promise.all(faults)).flat()).toEqual([])
})

it.each(withBlocks('sh').filter(({ name }) => !(name in ELSEWHERE)))(
  'the page $name can be followed to its end',
  ({ blocks }) => expect(walk(blocks)).resolves.toBeUndefined(),
  600_000,
)

it('YAML that is wrong is found, whatever it is', async () => {
  const wrong = ['- rule: x', 'listen_prot: 1', '# falco.yaml\nhttp_output: { uri: x }', '# values.yaml\nreplica: 2']
  const faults = await Promise.all(wrong.map(faultsOf))
  expect(faults.filter((found) => !found.length)).toEqual([])
})

it('a page that goes otherwise than it says is found', async () => {
  const page = ['```sh', 'echo done', '```', '```text', 'done…', 'and more', '```'].join('\n')
  await expect(walk(blocksOf(page))).rejects.toThrow('line 4: no line "and more" in\ndone')
  await expect(walk(blocksOf('```sh\nfalse\n```'))).rejects.toThrow('line 1: ended with 1')
})

it('few commands are not run, for want of a cluster or a network: one more is a decision', () => {
  const left = pages
    .filter(({ name }) => !(name in ELSEWHERE))
    .map(({ name, blocks }) => [name, notRun(blocks).length] as const)
  expect(Object.fromEntries(left.filter(([, count]) => count))).toMatchInlineSnapshot(`
    {
      "connect-falco": 2,
      "five-minutes": 5,
      "kubernetes": 7,
      "nats": 1,
      "notifiers": 1,
      "operate": 1,
      "outputs-and-clouds": 1,
      "replicas": 1,
      "test-rules": 1,
      "troubleshoot": 1,
    }
  `)
})
