import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Ran } from '../talon.fixture.ts'

const ROOT = join(import.meta.dirname, '../../../..')
let folder: string
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'talon-notify-'))))
afterAll(() => rmSync(folder, { recursive: true }))

function file(name: string, text: string): string {
  const path = join(folder, name)
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, text)
  return path
}

/** Runs `talon notifiers test` beside this process, which may be the one that is told. */
function test(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const command = [join(ROOT, 'apps/cli/bin/talon.mjs'), 'notifiers', 'test', ...args]
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      command,
      { env: { PATH: process.env['PATH'], ...env } },
      (_, stdout, stderr) => resolve({ status: child.exitCode, stdout, stderr }),
    )
  })
}

/** A web service that answers everything with a status, and what it was told. */
async function service(status: number): Promise<{ url: string; told: string[] }> {
  const told: string[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    told.push(body)
    response.writeHead(status).end(`\u001B[31mno\n${request.url}`)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const address = server.address()
  return { url: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/t0ken-of-it`, told }
}

describe('talon notifiers test', () => {
  it('sends one report that says it is a test, and prints what came back', async () => {
    const { url, told } = await service(200)
    const config = file('config.yaml', `notifiers: { webhook: { url: "${url}" } }\n`)
    const { status, stdout, stderr } = await test(['webhook', '-c', config])
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^✓ webhook: told http:\/\/127\.0\.0\.1:\d+, which answered 200 \(\d+\.\d\d s\)\n$/)
    expect(told).toHaveLength(1)
    expect(JSON.parse(told[0] ?? '')).toMatchObject({
      summary: expect.stringContaining('a test of') as string,
      event: expect.stringContaining('a test of') as string,
      rule: 'Test of a notifier',
      dry_run: true,
    })
  })

  it.each([
    [403, /^✗ webhook: http:\/\/127\.0\.0\.1:\d+ answered 403 Forbidden: .*check the credentials in its settings \(\d/],
    [503, /^✗ webhook: http:\/\/127\.0\.0\.1:\d+ answered 503 .*\(\d+\.\d\d s; a server would try again\)\n$/],
  ])('tries once where the other side answers %i, and says so without secrets', async (code, line) => {
    const { url, told } = await service(code)
    const { status, stdout, stderr } = await test(['webhook'], { NOTIFIERS_WEBHOOK_URL: url })
    expect([status, stderr]).toEqual([1, ''])
    expect(stdout).toMatch(line)
    for (const hidden of ['t0ken', '\u001B']) expect(stdout).not.toContain(hidden)
    expect(told).toHaveLength(1)
  })

  it('covers the secrets that a plugin would show', async () => {
    const zod = join(ROOT, 'packages/plugin/node_modules/zod/index.js')
    file('node_modules/leaky/package.json', '{ "name": "leaky", "type": "module", "exports": "./index.js" }')
    file(
      'node_modules/leaky/index.js',
      `import { z } from ${JSON.stringify(zod)}
       const parameters = z.object({ key: z.string().meta({ secret: true }) })
       const run = async ({ parameters: { key } }) => { throw new Error('no one\\n\\u001B[2Jknows ' + key) }
       const definition = { kind: 'notifier', name: 'leaky', summary: 'Leaks', parameters, examples: [], uses: {}, batch: 1, run }
       export default { contract: 1, name: 'leaky', provides: [definition] }`,
    )
    const config = file('leaky.yaml', 'plugins: [leaky]\nnotifiers: { leaky: { key: hunter22 } }\n')
    const { status, stdout } = await test(['leaky', '-c', config])
    expect([status, stdout]).toEqual([1, expect.stringMatching(/^✗ leaky: no one \[2Jknows \*\*\* \(\d/)])
  })

  it.each([
    ['a notifier that there is not', ['webhok'], /unknown notifier 'webhok'\n.*did you mean 'webhook'\?/],
    [
      'a notifier that is not configured',
      ['webhook'],
      /error: notifiers\.webhook\.url is missing\n +set it in the config file, or NOTIFIERS_WEBHOOK_URL in the environment\n$/,
    ],
    ['no notifier', [], /missing required argument/],
    [
      'settings that are wrong',
      ['webhook', '-c', 'wrong.yaml'],
      /wrong\.yaml:1:\d+: error: notifiers\.webhook\.url: is no/,
    ],
  ])('takes %s for wrong use', async (_, args, said) => {
    const wrong = file('wrong.yaml', 'notifiers: { webhook: { url: nowhere } }\n')
    const { status, stdout, stderr } = await test(args.map((arg) => (arg === 'wrong.yaml' ? wrong : arg)))
    expect([status, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(said)
    expect(stderr.match(/error:/g)).toHaveLength(1)
  })
})
