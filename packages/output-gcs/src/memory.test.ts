import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { json } from 'node:stream/consumers'
import { expect, it } from 'vitest'

/** A mock of Cloud Storage that keeps nothing: it takes one upload at a time and checks its MD5. */
async function startSink() {
  const taken: number[] = []
  let wanted = ''
  const server = createServer((request, response) => {
    const answer = async () => {
      if (request.method === 'POST') {
        wanted = ((await json(request)) as { md5Hash: string }).md5Hash
        return response.setHeader('location', `http://${request.headers.host}/session`).end()
      }
      const hash = createHash('md5')
      let size = 0
      for await (const chunk of request as AsyncIterable<Buffer>) {
        hash.update(chunk)
        size += chunk.byteLength
      }
      taken.push(size)
      return response.writeHead(hash.digest('base64') === wanted ? 200 : 400).end()
    }
    void answer().catch(() => response.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  return { url: `http://127.0.0.1:${port}`, taken, close: () => server.close() }
}

const MIB = 2 ** 20

it.runIf(existsSync('/proc/self/status'))(
  'a gigabyte takes no more memory than some megabytes',
  { timeout: 300_000, retry: 2 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'talon-gcs-memory-'))
    const sink = await startSink()
    const args = ['--conditions=@talon/source', join(import.meta.dirname, '../testing/store.ts')]
    const env = { ...process.env, STORAGE_EMULATOR_HOST: sink.url }
    const child = spawn(process.execPath, args, { env, stdio: ['pipe', 'pipe', 'inherit'] })
    const said = createInterface(child.stdout)[Symbol.asyncIterator]()
    const resident = () =>
      Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024
    const store = async (size: number) => {
      const path = join(folder, String(size))
      writeFileSync(path, '')
      truncateSync(path, size) // sparse: it costs no disk
      child.stdin.write(`${path}\n`)
      expect((await said.next()).value).toBe('stored')
    }
    try {
      // The first streams of a process grow V8's and the sockets' own room, once.
      await store(64 * MIB)
      const before = resident()
      let most = before
      const watch = setInterval(() => (most = Math.max(most, resident())), 20)
      await store(1024 * MIB).finally(() => clearInterval(watch))
      expect(sink.taken).toEqual([64 * MIB, 1024 * MIB])
      expect(most - before).toBeLessThan(64)
    } finally {
      child.stdin.end()
      await once(child, 'exit')
      sink.close()
      rmSync(folder, { recursive: true })
    }
  },
)
