import { createHash } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { ActionError, defineOutput, done } from '@talon/plugin'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { manifestSchema } from './manifest.ts'
import { act, base, body, rule, spoolPath, start, step } from './talon.fixture.ts'

/** An output that keeps what it was given, and says whether it replaced. */
function keeping() {
  const stored = new Map<string, { content: string; replace: boolean }>()
  const output = defineOutput({
    ...base,
    name: 'test:store',
    parameters: z.object({ folder: z.string().default('') }),
    async run({ artifact, key, replace, parameters }) {
      const name = `${parameters.folder}/${key}`
      if (stored.has(name) && !replace) throw new ActionError(`${name} is there`)
      stored.set(name, { content: await text(artifact.open() as never), replace })
      return done('stored')
    },
  })
  const manifests = () =>
    [...stored].flatMap(([name, { content }]) =>
      name.endsWith('.manifest.json') ? [{ name, ...manifestSchema.parse(JSON.parse(content)) }] : [],
    )
  return { stored, output, manifests }
}

const collector = (name: string, content: string) =>
  act(name, undefined, {
    effect: 'observe',
    output: 'required',
    run: async () => ({
      ...done('collected'),
      artifact: {
        name: `${name.replace(':', '-')}.log`,
        async *open() {
          yield Buffer.from(content)
        },
      },
    }),
  })

const into = (folder: string) => `, output: { target: "test:store", manifest: true, parameters: { folder: ${folder} } }`

it('lists what was stored of one event in one place, also by several rules, and no other', async () => {
  const { stored, output, manifests } = keeping()
  const rules =
    rule(step('test:a', into('x')) + step('test:b', into('x'))) +
    rule(step('test:a', into('x')) + step('test:b', into('y'))).replace('Answer', 'Another')
  const { talon, settled, told } = await start(rules, [collector('test:a', 'aa'), collector('test:b', 'b'), output])
  await talon.handle(body({ time: '2026-01-01T00:00:00.123456789Z', hostname: 'node-1' }))
  await settled()
  expect(told().filter((line) => !line.endsWith('success'))).toEqual([])
  const [x, y] = manifests().toSorted((a, b) => a.name.localeCompare(b.name))
  expect(x?.artifacts.map(({ rule, actionner, size }) => `${rule} ${actionner} ${size}`).toSorted()).toEqual([
    'Another test:a 2',
    'Answer test:a 2',
    'Answer test:b 1',
  ])
  expect(y?.artifacts.map(({ rule, actionner }) => `${rule} ${actionner}`)).toEqual(['Another test:b'])
  expect(x?.event).toMatchObject({
    rule: 'Shell',
    time: '2026-01-01T00:00:00.123456789Z',
    namespace: 'default',
    pod: 'web-0',
    hostname: 'node-1',
  })
  for (const { key, sha256 } of x?.artifacts ?? [])
    expect(
      createHash('sha256')
        .update(stored.get(`x/${key}`)?.content ?? '')
        .digest('hex'),
    ).toBe(sha256)
  expect([...stored].filter(([, { replace }]) => replace).map(([name]) => name.endsWith('.manifest.json'))).toEqual([
    true,
    true,
  ])
  expect(readdirSync(spoolPath)).toEqual([])
})

it('is not written where nobody asks for it', async () => {
  const { stored, output, manifests } = keeping()
  const { talon, settled } = await start(rule(step('test:a', ', output: { target: "test:store" }')), [
    collector('test:a', 'a'),
    output,
  ])
  await talon.handle(body())
  await settled()
  expect([stored.size, manifests()]).toEqual([1, []])
})
