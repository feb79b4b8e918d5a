import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startSandbox, type Sandbox } from './index.ts'

/** A request, and what kube-apiserver 1.36.3 answered to it. NS stands for the namespace, LONG for 300,000 letters. */
interface Recorded {
  readonly title: string
  readonly method: string
  readonly path: string
  readonly type?: string
  readonly body?: unknown
  readonly code: number
  readonly refusal?: { readonly reason?: string; readonly message: string; readonly details?: object }
}

const recorded = JSON.parse(
  readFileSync(new URL('../fixtures/refusals.json', import.meta.url), 'utf8'),
) as readonly Recorded[]

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox()
})
afterAll(() => sandbox.close())

const UID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g

// One after the other: the first ones create what the others are about.
it.each(recorded)(
  'as the API server: $title',
  async ({ method, path, type = 'application/json', body, code, refusal }) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body)?.replace('LONG', 'x'.repeat(300_000))
    const headers = { 'user-agent': 'test/1', ...(text !== undefined && { 'content-type': type }) }
    const url = `${sandbox.url}${path.replaceAll('NS', 'default')}`
    const response = await fetch(url, { method, headers, ...(text !== undefined && { body: text }) })
    const answered = (await response.text())
      .replaceAll(UID, 'UID')
      .replaceAll(/in record \(\d+\)/g, 'in record (VERSION)')
      .replaceAll(/nowhere-default/g, 'nowhere-NS')
    const { reason, message, details } = JSON.parse(answered) as NonNullable<Recorded['refusal']>
    expect(response.status).toBe(code)
    const said = refusal && { reason, message, details }
    expect(said).toEqual(refusal && { reason: undefined, details: undefined, ...refusal })
  },
)
