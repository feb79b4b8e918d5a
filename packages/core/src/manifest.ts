import { createHash } from 'node:crypto'
import type { Result, StoredArtifact } from '@talon/plugin'
import { z } from 'zod'
import { keyOf, podOf } from './key.ts'
import type { Tools } from './tools.ts'
import type { StepWork } from './work.ts'

const text = z.string()

/** A manifest: what was stored of one event in one place, so that it can be checked later. Times are RFC 3339. */
export const manifestSchema = z.object({
  schema: z.literal('talon.manifest/1'),
  event: z.object({
    id: text.describe("Talon's own id of the receipt"),
    rule: text.describe('Falco rule'),
    time: text.describe('When it happened, as Falco wrote it'),
    received: text,
    hostname: text,
    namespace: text.optional(),
    pod: text.optional(),
    traceId: text,
  }),
  target: text.describe('The output: `aws:s3`'),
  artifacts: z.array(
    z.object({
      key: text.describe('Name of the file or object, in the same folder or below the same prefix as the manifest'),
      name: text.describe("The artifact's own name"),
      size: z.number().describe('Bytes'),
      sha256: text.describe('Hexadecimal'),
      rule: text.describe("Talon's rule"),
      action: text,
      actionner: text.describe('What collected it'),
      collected: text,
      stored: text,
    }),
  ),
})
export type Manifest = z.output<typeof manifestSchema>

/** An artifact that was stored just now. */
export interface StoredOne {
  readonly artifact: StoredArtifact
  readonly key: string
  /** Epoch milliseconds when it was collected. */
  readonly at: number
}

/** How an output stores one thing more, in the same place. */
export type Put = (artifact: StoredArtifact, key: string, options: { readonly replace: boolean }) => Promise<Result>

/**
 * Writes the manifest of the event anew, with this artifact in it. One event's manifests are written one at a time, so
 * that none is replaced by an older one.
 */
export function addToManifest(work: StepWork, one: StoredOne, place: unknown, put: Put, tools: Tools): Promise<void> {
  const { event, rule, step, notes } = work
  const target = step.output?.target ?? ''
  const note = `manifest:${createHash('sha256')
    .update(JSON.stringify([target, place]))
    .digest('hex')
    .slice(0, 16)}`
  return tools.lanes.run({ lane: `${note} ${event.id}`, urgency: 0 }, tools.signal, async () => {
    const { artifact, key, at } = one
    const entry: Manifest['artifacts'][number] = {
      key,
      name: artifact.name,
      size: artifact.size,
      sha256: artifact.sha256,
      rule: rule.rule,
      action: step.action,
      actionner: step.actionner,
      collected: timeOf(at),
      stored: timeOf(tools.now()),
    }
    const earlier = JSON.parse(notes.get(note) ?? '[]') as Manifest['artifacts']
    const artifacts = [...earlier.filter((other) => other.key !== key), entry]
    const { id, time, received, hostname, traceId } = event
    const manifest: Manifest = {
      schema: 'talon.manifest/1',
      event: { id, rule: event.rule, time, received: timeOf(received), hostname, ...podOf(event), traceId },
      target,
      artifacts,
    }
    const bytes = Buffer.from(`${JSON.stringify(manifest, undefined, 2)}\n`)
    const source = { name: 'manifest.json', open: () => chunks(bytes) }
    const spooled = await tools.spool.collect(source, `${event.id}.${work.key}.manifest`, tools.signal)
    const name = keyOf(event, `${event.id}.manifest.json`, received)
    await put(spooled, name, { replace: true }).finally(() => spooled.drop())
    notes.set(note, JSON.stringify(artifacts))
  })
}

const timeOf = (at: number) => new Date(at).toISOString()

async function* chunks(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes
}
