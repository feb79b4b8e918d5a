import { firstParty } from '@talon/bundle'
import { failureOf, inspect, readSetup, type Inspection, type Outcome, type Setup } from '@talon/core'
import { ConfigError, type Issue, type Notifier } from '@talon/plugin'
import { createLogger } from '@talon/telemetry'
import { paintFor } from '../issues/text.ts'
import { sampleReport } from '../notify/sample.ts'
import type { GlobalOptions } from '../command.ts'

interface NotifyOptions extends GlobalOptions {
  readonly args: readonly string[]
}

/** Milliseconds that a server gives a notifier, too. */
const TIMEOUT = 10_000

/**
 * Sends a report that says it is a test through a notifier, as it is configured, once. Status 1 where it did not arrive.
 * @throws ConfigError where there is no such notifier, or its settings are wrong.
 */
export async function notify({ config, args: [name = ''] }: NotifyOptions): Promise<number> {
  const setup = await readSetup({ configPath: config, rulesPaths: [], env: process.env, plugins: await firstParty() })
  const { host, definition, parameters } = configured(setup, name)
  const log = createLogger({ format: 'color', level: 'warn', stream: process.stderr, secrets: setup.secrets })
  const started = performance.now()
  try {
    const clients = await host.open(definition.uses)
    const signal = AbortSignal.timeout(TIMEOUT)
    const reports = [sampleReport(name, Date.now())] as const
    const outcome = await definition.run({ reports, parameters, log, signal }, clients).catch(failureOf)
    if ('error' in outcome && outcome.error.kind === 'config') throw outcome.error
    console.log(lineOf(outcome, { name, took: performance.now() - started, secrets: setup.secrets }))
    return outcome.status === 'success' ? 0 : 1
  } finally {
    await host.close()
    log.flush()
  }
}

interface Configured {
  readonly host: Inspection['host']
  readonly definition: Notifier
  readonly parameters: unknown
}

const OWN_RULES = 'the rule of the test'

/** The notifier, checked as for a server whose one rule tells it. */
function configured(setup: Setup, name: string): Configured {
  // Any actionner does: nothing is run.
  const actions = [{ action: 'Test', actionner: 'kubernetes:cordon' }]
  const text = JSON.stringify([{ rule: 'Test', actions, notifiers: [name] }])
  const config = { ...setup.config, default_notifiers: [] }
  const inspected = inspect({ ...setup, config, rules: [{ name: OWN_RULES, text }], checkSettings: true })
  const errors = [...setup.issues, ...inspected.issues].filter(({ level }) => level === 'error')
  const definition = inspected.host.find('notifier', name)
  if (errors.length || !definition) throw new ConfigError(withoutRepeats(errors.map(withoutOwnRules)))
  const parameters: unknown = definition.parameters.parse(config.notifiers[name] ?? {})
  return { host: inspected.host, definition, parameters }
}

/** Nobody wrote the rule of the test: there is no line of it to show, and no rules of the user's ask for a setting. */
function withoutOwnRules({ level, message, hint, ...place }: Issue): Issue {
  return {
    level,
    message: message.replace(/: the rules use it$/, ''),
    ...(hint !== undefined && { hint }),
    ...(place.file !== OWN_RULES && place),
  }
}

/** The settings are checked when they are read, and again when a rule uses them. */
function withoutRepeats(issues: readonly Issue[]): Issue[] {
  return [...new Map(issues.map((issue) => [JSON.stringify([issue.file, issue.line, issue.message]), issue])).values()]
}

interface Told {
  readonly name: string
  /** Milliseconds. */
  readonly took: number
  readonly secrets: readonly string[]
}

/** Shorter ones would be found by chance. */
const SHORTEST = 6

/** What came back, on one line; no secret and no control character gets out, whatever a plugin or a server says. */
function lineOf(outcome: Outcome, { name, took, secrets }: Told): string {
  const paint = paintFor(process.stdout)
  let said = outcome.message.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
  for (const secret of secrets) if (secret.length >= SHORTEST) said = said.replaceAll(secret, '***')
  const again = 'error' in outcome && 'retryable' in outcome.error && outcome.error.retryable
  const note = `${(took / 1000).toFixed(2)} s${again ? '; a server would try again' : ''}`
  const mark = outcome.status === 'success' ? paint('green', '✓') : paint('red', '✗')
  const status = outcome.status === 'ignored' ? 'ignored: ' : ''
  return `${mark} ${name}: ${status}${said} ${paint('dim', `(${note})`)}`
}
