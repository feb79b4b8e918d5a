import { firstParty } from '@talon/bundle'
import { decode, inspect, plan, readConfig } from '@talon/core'
import { median, type Bench, type Row } from './row.ts'

const SIZES = [10, 100, 1_000, 10_000]
const ROUNDS = 15
const EVENTS = 2_000

const rulesFile = (count: number) =>
  Array.from(
    { length: count },
    (_, n) => `
- rule: Rule ${n}
  match:
    rules: [Falco rule ${n}]
    priority: ">=Notice"
    output_fields: ["k8s.ns.name!=kube-system"]
  actions: [{ action: End it, actionner: "kubernetes:terminate" }]
`,
  ).join('')

/** The time to find the rules of an event, as the number of rules grows. */
export const matching: Bench = {
  name: 'match',
  async run() {
    const plugins = await firstParty()
    const { config } = readConfig({ env: {} })
    const subjects = SIZES.map((size) => {
      const { ruleset, issues } = inspect({ plugins, rules: [{ name: 'rules.yaml', text: rulesFile(size) }], config })
      if (!ruleset) throw new Error(issues.map(({ message }) => message).join('\n'))
      // The events of the last rule: a walk from the top would meet all others first.
      const events = Array.from({ length: EVENTS }, (_, n) =>
        decode(
          JSON.stringify({
            rule: `Falco rule ${size - 1 - (n % 10)}`,
            priority: 'Critical',
            output_fields: { 'k8s.ns.name': 'default' },
          }),
          { id: String(n), received: 0, traceId: '' },
        ),
      )
      return { ruleset, events, times: [] as number[] }
    })
    for (let round = 0; round < ROUNDS; round++)
      for (const { ruleset, events, times } of subjects) {
        const began = performance.now()
        let matched = 0
        for (const event of events) matched += plan(event, ruleset).rules.length
        times.push(((performance.now() - began) * 1000) / EVENTS)
        if (matched !== EVENTS) throw new Error(`${matched} of ${EVENTS} events matched`)
      }
    const times = subjects.map((subject) => median(subject.times))
    const [first = Number.NaN] = times
    return SIZES.map((size, index): Row => {
      const ratio = (times[index] ?? Number.NaN) / first
      const last = index === SIZES.length - 1
      return {
        what: `matching one event, ${size} rules`,
        measured: `${times[index]?.toFixed(2)} µs`,
        baseline: `10 rules: ${first.toFixed(2)} µs`,
        result: ratio.toFixed(2),
        aim: last ? '<= 1.50' : '',
        met: last ? ratio <= 1.5 : undefined,
      }
    })
  },
}
