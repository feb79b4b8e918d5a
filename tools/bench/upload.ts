// Stores a file of so many zeros through an output, and prints what that took as JSON: `upload.ts <output> <settings of its client> <bytes>`.
import { createHash } from 'node:crypto'
import { createReadStream, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { firstParty } from '@talon/bundle'
import { decode, Host } from '@talon/core'

/** The first upload of a process loads the SDK, and grows V8's and the sockets' own room, once. */
const FIRST = 32 * 2 ** 20

const [, , name = '', settings = '{}', bytes = '0'] = process.argv
const log = { debug() {}, info() {}, warn: console.error, error: console.error }
const host = new Host({ settings: () => JSON.parse(settings) as unknown, log })
for (const plugin of await firstParty()) host.add(plugin)
const output = host.find('output', name)
if (!output) throw new Error(`there is no output ${name}`)
const clients = await host.open(output.uses)
const folder = mkdtempSync(join(tmpdir(), 'talon-upload-'))

async function store(size: number): Promise<void> {
  const path = join(folder, String(size))
  writeFileSync(path, '')
  truncateSync(path, size)
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  const artifact = { name: 'zeros', size, sha256: hash.digest('hex'), path, open: () => createReadStream(path) }
  const event = decode('{"rule":"bench"}', { id: 'bench', received: Date.now(), traceId: '0'.repeat(32) })
  const parameters: unknown = output?.parameters.parse({ bucket: 'evidence' })
  const job = { event, artifact, key: String(size), replace: false, metadata: {}, parameters, log }
  before = figure('VmRSS')
  began = performance.now()
  // Resets the peak: proc(5), clear_refs.
  writeFileSync('/proc/self/clear_refs', '5')
  await output?.run({ ...job, signal: new AbortController().signal }, clients)
}

/** A figure of proc(5) in MB; it is in kB there. */
function figure(what: 'VmRSS' | 'VmHWM'): number {
  return Number(new RegExp(`^${what}:\\s+(\\d+) kB$`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1024
}

let [before, began] = [0, 0]
try {
  await store(FIRST)
  await store(Number(bytes))
  const seconds = (performance.now() - began) / 1000
  console.log(JSON.stringify({ before, most: figure('VmHWM'), seconds }))
} finally {
  rmSync(folder, { recursive: true })
  await host.close()
}
