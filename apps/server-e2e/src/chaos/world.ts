import { once } from 'node:events'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'

/** What servers did to the world, as the world saw it: a server on loopback that their actions and notifiers call. */
export interface World {
  readonly url: string
  /** How often each mark came, by the name of what called. */
  count(what: 'again' | 'once', mark: string): number
  /** Marks whose step that may not run twice was told as interrupted. */
  readonly interrupted: ReadonlySet<string>
  /** What was told of marks with a step that failed. */
  readonly failed: ReadonlyMap<string, string>
  /** A folder with the plugin whose actionners call this world, as a config file's folder needs it. */
  pluginFolder(): string
  close(): Promise<void>
}

/**
 * Two actionners that tell the world what they do: `chaos:again` may run twice, `chaos:once` may not. Each takes a while
 * before and after, so that a crash finds it in every state.
 */
const PLUGIN = `
import { defineActionner, definePlugin, done } from '@talon/plugin'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'

const actionner = (name, repeatable) =>
  defineActionner({
    name: 'chaos:' + name,
    summary: 'Tells the world',
    parameters: z.object({ url: z.string().describe('The world') }),
    examples: [{ title: 'Tell', parameters: { url: 'http://127.0.0.1' } }],
    effect: 'change',
    repeatable,
    async run({ event, parameters, signal }) {
      await sleep(Math.random() * 8, undefined, { signal })
      const response = await fetch(parameters.url + '/' + name + '/' + event.fields.mark, { method: 'POST', signal })
      await response.text()
      await sleep(Math.random() * 8, undefined, { signal })
      return done(name)
    },
  })
export default definePlugin({ name: 'chaos', provides: [actionner('again', true), actionner('once', false)] })
`

export async function openWorld(): Promise<World> {
  const counts = new Map<string, number>()
  const interrupted = new Set<string>()
  const failed = new Map<string, string>()
  const folders: string[] = []
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    counts.set(path, (counts.get(path) ?? 0) + 1)
    if (path !== '/told') {
      request.resume().on('end', () => response.end())
      return
    }
    json(request).then(
      (body) => {
        const { status, falco } = body as { status: string; falco: { output_fields: Record<string, string> } }
        const mark = falco.output_fields['mark'] ?? ''
        if (status === 'interrupted') interrupted.add(mark)
        if (status === 'failure') failed.set(mark, JSON.stringify(body))
        response.end()
      },
      () => response.writeHead(400).end(),
    )
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
    count: (what, mark) => counts.get(`/${what}/${mark}`) ?? 0,
    interrupted,
    failed,
    pluginFolder() {
      const folder = mkdtempSync(join(tmpdir(), 'talon-chaos-'))
      folders.push(folder)
      const modules = join(folder, 'node_modules')
      mkdirSync(join(modules, '@talon'), { recursive: true })
      mkdirSync(join(modules, 'chaos'))
      const contract = join(import.meta.dirname, '../../../../packages/plugin')
      symlinkSync(contract, join(modules, '@talon/plugin'))
      symlinkSync(realpathSync(join(contract, 'node_modules/zod')), join(modules, 'zod'))
      writeFileSync(
        join(modules, 'chaos/package.json'),
        '{"name":"chaos","version":"1.0.0","type":"module","exports":"./index.js"}',
      )
      writeFileSync(join(modules, 'chaos/index.js'), PLUGIN)
      return folder
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      for (const folder of folders) rmSync(folder, { recursive: true, force: true })
    },
  }
}
