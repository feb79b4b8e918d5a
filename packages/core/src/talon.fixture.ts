import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  defineActionner,
  defineNotifier,
  definePlugin,
  done,
  namespace,
  podName,
  type Provided,
  type Report,
} from '@talon/plugin'
import { afterEach, beforeEach, expect } from 'vitest'
import { z } from 'zod'
import { readConfig } from './config.ts'
import type { Stage } from './stage.ts'
import { createTalon, type Talon, type TalonOptions } from './talon.ts'

/** The spool's folder of the test that runs. */
export let spoolPath: string
let running: Talon[]
beforeEach(() => {
  spoolPath = mkdtempSync(join(tmpdir(), 'talon-test-'))
  running = []
})
afterEach(async () => {
  await Promise.all(running.map((talon) => talon.stop()))
  rmSync(spoolPath, { recursive: true })
})

export const body = (over: object = {}, fields: object = {}) =>
  JSON.stringify({
    rule: 'Shell',
    priority: 'Notice',
    source: 'syscall',
    output: 'a shell',
    output_fields: { 'k8s.ns.name': 'default', 'k8s.pod.name': 'web-0', ...fields },
    ...over,
  })

export const base = {
  summary: 'A test',
  parameters: z.object({}),
  examples: [{ title: 'One', parameters: {} }],
} as const
export const act = (name: string, run: () => Promise<void> | void = () => {}, over: object = {}) =>
  defineActionner({
    ...base,
    name,
    needs: { pod: podName, namespace },
    effect: 'change',
    repeatable: true,
    async run({ fields }) {
      await run()
      return done(`${name} done`, fields)
    },
    ...over,
  })

/** An engine whose reports are kept, with the rules of the test. */
export async function start(
  rules: string,
  provides: Provided[],
  options: Partial<TalonOptions> & { flags?: object; file?: string } = {},
) {
  const reports: Report[] = []
  const stages: string[] = []
  const keep = defineNotifier({
    ...base,
    name: 'keep',
    async run({ reports: [report] }) {
      reports.push(report)
      return done('kept')
    },
  })
  const file = { name: 'config.yaml', text: `default_notifiers: [keep]\n${options.file ?? ''}` }
  const { config, issues } = readConfig({ file, env: {}, flags: { shutdown_timeout: 5, ...options.flags } })
  expect(issues).toEqual([])
  const observer = async (stage: Stage, next: () => Promise<never>) => {
    const outcome = await next()
    stages.push(`${stage.name}:${(outcome as { status: string }).status}`)
    return outcome
  }
  const talon = await createTalon({
    plugins: [definePlugin({ name: 'test', provides: [keep, ...provides] })],
    rules: [{ name: 'rules.yaml', text: rules }],
    config,
    observers: [observer as never],
    spoolPath,
    ...options,
  })
  running.push(talon)
  const settled = async () => {
    for (let left = 500; (talon.stats().events || talon.stats().reports) && left; left--) await sleep(5)
    await sleep(5)
  }
  return {
    talon,
    reports,
    stages,
    settled,
    told: () => reports.map(({ actionner, status }) => `${actionner} ${status}`),
  }
}

export const rule = (actions: string, more = '') => `
- rule: Answer
  match: { rules: [Shell] }
  ${more}
  actions:
${actions}
`
export const step = (actionner: string, more = '') =>
  `    - { action: "${actionner} it", actionner: "${actionner}"${more} }\n`
