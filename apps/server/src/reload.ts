import { readTexts, type RuleSource, type Talon } from '@talon/core'
import { messageOf, TalonError, type Issue, type Logger } from '@talon/plugin'

/** Takes the rules files anew. @throws ConfigError with all issues; the old rules stay then. */
export type Reload = () => Promise<readonly Issue[]>

export interface ReloadOptions {
  readonly talon: Pick<Talon, 'reload' | 'ruleset'>
  readonly paths: readonly string[]
  /** What is loaded now. */
  readonly loaded: readonly RuleSource[]
  readonly log: Logger
  /** Told what came of each reload, for a metric and an Event. */
  readonly told: (result: 'success' | 'failure', note: string) => void
}

export interface Reloader {
  readonly reload: Reload
  /** Reloads where the files say something else than before, and says in the log what came of it. */
  readonly look: () => Promise<void>
}

/** Reloads one at a time: each says what it found in the log and in a metric. */
export function reloader({ talon, paths, loaded, log, told }: ReloadOptions): Reloader {
  let seen = textOf(loaded)
  let last: Promise<unknown> = Promise.resolve()

  async function take(read: () => Promise<readonly RuleSource[]>): Promise<readonly Issue[]> {
    try {
      const rules = await read()
      seen = textOf(rules)
      const issues = await talon.reload(rules)
      log.info('the rules were reloaded', { rules: talon.ruleset.rules.length, files: paths })
      tell(issues, log)
      told('success', `rules that are loaded: ${talon.ruleset.rules.length}`)
      return issues
    } catch (error) {
      told('failure', `the rules were not reloaded, the old ones stay: ${messageOf(error)}`)
      log.error('the rules were not reloaded: the old ones stay', { files: paths })
      if (TalonError.is(error) && error.kind === 'config') tell(error.issues, log)
      else log.error(String(error))
      throw error
    }
  }

  /** One after the other, whatever came of the one before. */
  function queue<T>(work: () => Promise<T>): Promise<T> {
    const next = last.then(work, work)
    last = next.catch(() => {})
    return next
  }

  return {
    reload: () => queue(() => take(() => readTexts(paths))),
    look: () =>
      queue(async () => {
        // A file that is missing for a moment is on its way: editors and kubelet replace files.
        const rules = await readTexts(paths).catch(() => undefined)
        if (rules && textOf(rules) !== seen) await take(async () => rules).catch(() => {})
      }),
  }
}

const textOf = (rules: readonly RuleSource[]) => JSON.stringify(rules.map(({ text }) => text))

/** Says issues in the log, a line each. */
export function tell(issues: readonly Issue[], log: Logger): void {
  for (const { level, message, hint, file, line, column } of issues) {
    const facts = { ...(file !== undefined && { file, line, column }), ...(hint !== undefined && { hint }) }
    if (level === 'error') log.error(message, facts)
    else log.warn(message, facts)
  }
}
