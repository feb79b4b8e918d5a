import { expect, it } from 'vitest'
import { brief } from './brief.ts'

it('leaves of a line what its reader does not know yet', () => {
  const line = String.raw`2026-01-02T03:04:05.678Z WARN  action event="A \"b\" c" priority=Notice rule="Shell in a pod" action="Mark" actionner=kubernetes:label status=ignored output="it is gone" pod=p namespace=default trace_id=1`
  const rest = 'rule="Shell in a pod" actionner=kubernetes:label status=ignored output="it is gone" trace_id=1'
  expect(brief(line)).toContain(` action ${rest}`)
  expect(brief(line)).not.toMatch(/pod=|namespace|priority|event=|2026/)
})

it('keeps what is no line of the log as it is', () => {
  expect(brief('    at start (serve.ts:1)')).toBe('    at start (serve.ts:1)')
})
