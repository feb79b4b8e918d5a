import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { binary, builtBinary } from '../../../tools/cluster/binaries.ts'
import { freePort } from '../../../tools/counterparts/free-port.ts'

/** Whether fake-gcs-server is there, or can be built; says once what is not run without it. */
export async function canStartGcs(what: string): Promise<boolean> {
  if (await builtBinary('fake-gcs-server')) return true
  return binary('fake-gcs-server').then(
    () => true,
    (error: unknown) => {
      process.stderr.write(`not run without fake-gcs-server: ${what} (${String(error)})\n`)
      return false
    },
  )
}

/** An object as fake-gcs-server tells of it, with its content's SHA-256. */
export interface Found {
  readonly name: string
  readonly metadata: Readonly<Record<string, string>>
  readonly contentType: string
  readonly size: number
  readonly sha256: string
  readonly generation: string
}

/** Starts fake-gcs-server on loopback, in memory or on disk, and asks it by HTTP alone: none of Talon's code reads back. */
export async function startGcs(given: { readonly folder?: string; readonly port?: number } = {}) {
  const { folder, port = await freePort() } = given
  const url = `http://127.0.0.1:${port}`
  const backend = folder ? ['-backend', 'filesystem', '-filesystem-root', folder] : ['-backend', 'memory']
  const args = ['-scheme', 'http', '-host', '127.0.0.1', '-port', String(port), '-public-host', `127.0.0.1:${port}`]
  const child = spawn(await binary('fake-gcs-server'), [...args, ...backend, '-log-level', 'error'], {
    stdio: 'ignore',
  })
  const exited = once(child, 'exit')
  for (;;) {
    const answer = await fetch(`${url}/_internal/healthcheck`).catch(() => undefined)
    if (answer?.ok) break
    if (child.exitCode !== null) throw new Error(`fake-gcs-server ended with ${child.exitCode}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return {
    url,
    port,
    async createBucket(name: string) {
      await fetch(`${url}/storage/v1/b?project=test`, { method: 'POST', body: JSON.stringify({ name }) })
    },
    /** Names of all objects. */
    async list(bucket: string): Promise<string[]> {
      const { items = [] } = (await (await fetch(`${url}/storage/v1/b/${bucket}/o`)).json()) as {
        items?: { name: string }[]
      }
      return items.map(({ name }) => name)
    },
    async read(bucket: string, name: string): Promise<Found> {
      const path = `${url}/storage/v1/b/${bucket}/o/${encodeURIComponent(name)}`
      const facts = (await (await fetch(path)).json()) as Omit<Found, 'size' | 'sha256'>
      const { body } = await fetch(`${path}?alt=media`)
      const hash = createHash('sha256')
      let size = 0
      for await (const chunk of body ?? []) {
        hash.update(chunk)
        size += chunk.byteLength
      }
      const { metadata, contentType, generation } = facts
      return { name: facts.name, metadata, contentType, generation, size, sha256: hash.digest('hex') }
    },
    async close() {
      child.kill('SIGKILL')
      await exited
    },
  }
}
