// Stores the files that are named on stdin, one a line, and says `stored` after each: a process of its own, to be weighed.
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { gcp } from '@talon/client-gcp'
import type { Logger } from '@talon/plugin'
import { falcoEvent } from '@talon/testing'
import { digestsOf } from '../src/digests.ts'
import { gcs } from '../src/index.ts'

const log: Logger = { debug() {}, info() {}, warn() {}, error() {} }
const client = await gcp.open(gcp.settings.parse({}), { log })
const { signal } = new AbortController()

for await (const path of createInterface(process.stdin)) {
  const open = () => createReadStream(path)
  const { size } = await stat(path)
  const { sha256 } = await digestsOf(open(), signal)
  const artifact = { name: 'capture.pcap', size, sha256, path, open }
  const parameters = { bucket: 'evidence', prefix: '' }
  const job = { event: falcoEvent(), artifact, key: 'a', replace: false, metadata: {}, parameters, signal, log }
  await gcs.run(job, { gcp: client })
  process.stdout.write('stored\n')
}
await client.close()
