import { readFileSync } from 'node:fs'
import { compile, decode, Host, plan, type PlannedRule, type Ruleset } from '@talon/core'
import type { Event, Field } from '@talon/plugin'
import { beforeAll, describe, expect, it } from 'vitest'
import { firstParty, starterRules } from './index.ts'

const starter = { name: 'starter.yaml', text: await starterRules() }
/**
 * An event of each of Falco's 25 stable rules, then of rules for the audit log, with the fields that those rules print,
 * and those that docs/guide/connect-falco.md lets Falco add.
 */
const events = readFileSync(new URL('../fixtures/falco-events.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
const STABLE = 25

const host = new Host()
const built = (...more: { name: string; text: string }[]) =>
  compile([starter, ...more], host, { default_notifiers: [] })
let ruleset: Ruleset
beforeAll(async () => {
  for (const plugin of await firstParty()) host.add(plugin)
  const { ruleset: starting, issues } = built()
  if (!starting) throw new Error(issues.map(({ message }) => message).join('\n'))
  ruleset = starting
})

const eventOf = (line: string): Event => decode(line, { id: 'event', received: Date.now(), traceId: '0'.repeat(32) })
const ruleOf = (line: string) => (JSON.parse(line) as { rule: string }).rule
const setOff = (line: string): readonly PlannedRule[] => plan(eventOf(line), ruleset).rules
const stepsOf = (rule: PlannedRule | undefined) => rule?.steps.map(({ actionner }) => actionner) ?? []
const eventFor = (rule: string) => events.find((line) => ruleOf(line) === rule) ?? ''
const withFields = (line: string, fields: object) => {
  const event = JSON.parse(line) as { output_fields: object }
  return JSON.stringify({ ...event, output_fields: { ...event.output_fields, ...fields } })
}

describe('the rules to start from', () => {
  it('leave nothing to complain about, and are a dry run, all of them', () => {
    expect(built().issues).toEqual([])
    expect(ruleset.rules.filter(({ planned }) => !planned.dryRun)).toEqual([])
  })

  it.each(events.slice(0, STABLE).map((line) => [ruleOf(line), line]))('answer %s with one rule', (name, line) => {
    expect(setOff(line).map(({ rule }) => rule)).toEqual([name])
  })

  it.each(events.slice(STABLE).map((line) => [ruleOf(line), line]))('answer %s of the audit log', (name, line) => {
    const [rule, ...others] = setOff(line)
    expect(others).toEqual([])
    expect(rule?.rule).toBe(name === 'K8s ClusterRoleBinding Created' ? 'Binding to cluster-admin' : name)
  })

  it('have no rule that no event sets off', () => {
    const answered = new Set(events.flatMap(setOff).map(({ rule }) => rule))
    expect(ruleset.rules.map(({ planned }) => planned.rule).filter((rule) => !answered.has(rule))).toEqual([])
  })

  it('find in each event the fields that their actions need', () => {
    for (const line of events)
      for (const step of setOff(line).flatMap(({ steps }) => steps)) {
        const { fields } = eventOf(line)
        const needs = host.find('actionner', step.actionner)?.needs ?? {}
        for (const { from, when, schema, optional } of Object.values<Field<unknown>>(needs)) {
          const value = from
            .filter((name) => Object.entries(when?.[name] ?? {}).every(([key, wanted]) => fields[key] === wanted))
            .map((name) => fields[name])
            .find((one) => one !== undefined)
          if (value === undefined && optional) continue
          expect(schema.safeParse(value), `${ruleOf(line)}: ${step.actionner}`).toMatchObject({ success: true })
        }
      }
  })

  it("let Falco's and the system's own workloads alone, and the host, where there is no pod", () => {
    for (const fields of [{ 'k8s.ns.name': 'kube-system' }, { 'k8s.ns.name': 'falco' }, { 'k8s.ns.name': 'talon' }])
      expect(events.slice(0, STABLE).flatMap((line) => setOff(withFields(line, fields)))).toEqual([])
    const onHost = { 'container.id': 'host', 'container.name': 'host', 'k8s.ns.name': null, 'k8s.pod.name': null }
    expect(events.slice(0, STABLE).flatMap((line) => setOff(withFields(line, onHost)))).toEqual([])
    expect(setOff(withFields(eventFor('Attach/Exec Pod'), { 'ka.target.namespace': 'kube-system' }))).toEqual([])
  })

  it('delete a binding only where it gives all rights', () => {
    const line = withFields(eventFor('K8s ClusterRoleBinding Created'), { 'ka.req.binding.role': 'view' })
    expect(setOff(line)).toEqual([])
  })

  it('delete nothing on the word of an event that does not say that anything came about', () => {
    const deleting = events.filter((line) => setOff(line).flatMap(stepsOf).includes('kubernetes:delete'))
    expect(deleting.length).toBe(3)
    for (const code of [null, '409', '403'])
      expect(deleting.flatMap((line) => setOff(withFields(line, { 'ka.response.code': code })))).toEqual([])
  })

  it('take evidence before anything ends it, and never go on after that', () => {
    for (const line of events.slice(0, STABLE)) {
      const steps = stepsOf(setOff(line)[0])
      expect(steps).toContain('kubernetes:log')
      if (!steps.includes('kubernetes:terminate')) continue
      expect(steps.indexOf('kubernetes:log')).toBeLessThan(steps.indexOf('kubernetes:terminate'))
      expect(steps.at(-1)).toBe('kubernetes:terminate')
    }
  })

  it('act once another file says so, rule by rule', () => {
    const live = { name: 'live.yaml', text: '- rule: Terminal shell in container\n  dry_run: false\n' }
    const { ruleset: acting, issues } = built(live)
    const rules = acting?.rules.filter(({ planned }) => !planned.dryRun)
    expect(rules?.map(({ planned }) => planned.rule)).toEqual(['Terminal shell in container'])
    expect(issues).toEqual([])
  })
})
