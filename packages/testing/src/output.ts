import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { failureOf, resolveParameters, tokensOf, type Outcome } from '@talon/core'
import type { Event, Opened, Output, OutputJob, StoredArtifact, Uses } from '@talon/plugin'
import { onTestFinished } from 'vitest'
import type { z } from 'zod'
import { falcoEvent } from './events.ts'
import { jobOf, type JobOptions } from './job.ts'

/** An artifact that lies on disk until the test ends. */
export async function storedArtifact(content: string | Uint8Array, name = 'web-0.log'): Promise<StoredArtifact> {
  const folder = await mkdtemp(join(tmpdir(), 'talon-artifact-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const bytes = Buffer.from(content)
  const path = join(folder, 'artifact')
  await writeFile(path, bytes)
  return {
    name,
    size: bytes.byteLength,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    path,
    async *open() {
      yield bytes
    },
  }
}

/** How an output is run in a test. */
export interface OutputOptions<U> extends JobOptions, Partial<Pick<OutputJob, 'key' | 'replace' | 'metadata'>> {
  readonly artifact: StoredArtifact
  /** What `uses` names, opened: an own client, or a fake. */
  readonly clients: U
  readonly event?: Event
}

/** Stores an artifact as the engine does: tokens replaced, parameters checked, what is thrown as a failure. */
export async function runOutput<P extends z.ZodObject, U extends Uses>(
  output: Output<P, U>,
  parameters: z.input<P>,
  options: OutputOptions<Opened<U>>,
): Promise<Outcome> {
  const { artifact, clients, event = falcoEvent(), replace = false, metadata = {} } = options
  const { key = `2026-11-24T12-00-00.000Z_default_web-0_${artifact.name}` } = options
  try {
    const given = parameters as Readonly<Record<string, unknown>>
    const resolved = resolveParameters(output.parameters, given, () => tokensOf(event, {}))
    const job = { ...jobOf(options), event, artifact, key, replace, metadata }
    return await output.run({ ...job, parameters: resolved.parameters as z.output<P> }, clients)
  } catch (error) {
    return failureOf(error)
  }
}
