import { readFile } from 'node:fs/promises'
import { ActionError, defineActionner, defineContext, defineNotifier, defineOutput, done, podName } from '@talon/plugin'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { falcoEvent, report, run, runContext, runNotifier, runOutput, storedArtifact } from './index.ts'

const clients = {}
const told = { name: 'a:b', summary: 'Do something', examples: [] }

describe('what runs plugins in tests', () => {
  it('gives an actionner its fields and its parameters with tokens replaced', async () => {
    const actionner = defineActionner({
      ...told,
      needs: { pod: podName },
      effect: 'observe',
      repeatable: true,
      parameters: z.object({ text: z.string().meta({ tokens: 'text' }).describe('Text') }),
      run: async ({ fields: { pod }, parameters: { text } }) => done(`${pod}: ${text}`),
    })
    const event = falcoEvent({ fields: { 'k8s.pod.name': 'db-0', 'proc.name': 'sh' } })
    expect(await run(actionner, { text: '${PROC_NAME}' }, { clients, event })).toMatchObject({ message: 'db-0: sh' })
    expect(await run(actionner, { text: '' }, { clients, event: falcoEvent({ fields: {} }) })).toMatchObject({
      status: 'failure',
      error: { kind: 'event' },
    })
  })

  it('gives an output an artifact that is both a stream and a file, and what it throws as a failure', async () => {
    const output = defineOutput({
      ...told,
      parameters: z.object({ folder: z.string().meta({ tokens: 'segment' }).describe('Folder') }),
      async run({ artifact, key, parameters: { folder } }) {
        if (folder === 'full') throw new ActionError('no room', { retryable: true })
        const read: Uint8Array[] = []
        for await (const chunk of artifact.open()) read.push(chunk)
        expect(await readFile(artifact.path)).toEqual(Buffer.concat(read))
        return done(`${folder}/${key} ${artifact.size} ${artifact.sha256.slice(0, 4)}`)
      },
    })
    const artifact = await storedArtifact('abc')
    const stored = await runOutput(output, { folder: '${RULE}' }, { clients, artifact, key: 'k' })
    expect(stored.message).toBe('Terminal_shell_in_container/k 3 ba78')
    expect(await runOutput(output, { folder: 'full' }, { clients, artifact })).toMatchObject({
      status: 'failure',
      error: { retryable: true },
    })
  })

  it('gives a notifier its checked settings, and not more reports than it takes', async () => {
    const notifier = defineNotifier({
      ...told,
      parameters: z.object({ url: z.url().describe('Address') }),
      run: async ({ reports: [{ status }], parameters: { url } }) => done(`${url} ${status}`),
    })
    expect(
      await runNotifier(notifier, { url: 'http://a' }, { clients, reports: [report({ status: 'failure' })] }),
    ).toMatchObject({ status: 'success', message: 'http://a failure' })
    expect(await runNotifier(notifier, { url: 'a' }, { clients })).toMatchObject({ status: 'failure' })
    const two = { clients, reports: [report(), report()] as const }
    expect((await runNotifier(notifier, { url: 'http://a' }, two)).message).toContain('takes 1 reports at once')
  })

  it('gives a context its fields, and lets its error through', async () => {
    const context = defineContext({
      name: 'c',
      summary: 'Facts',
      gives: { 'c.pod': 'Pod' },
      needs: { pod: podName },
      run: async ({ fields: { pod } }) => ({ 'c.pod': pod }),
    })
    expect(await runContext(context, { clients })).toEqual({ 'c.pod': 'web-0' })
    await expect(runContext(context, { clients, event: falcoEvent({ fields: {} }) })).rejects.toMatchObject({
      kind: 'event',
    })
  })
})
