import type { Issue } from '@talon/plugin'
import type { EditableFile } from './document.ts'

/** Parameters of early versions, and what took their place: to bring them back to life would change what is done. */
const FORMER: Readonly<Record<string, string>> = { allow: 'allow_cidr' }
/** Keys of early versions that nothing took the place of, however near another is. */
const GONE: ReadonlySet<string> = new Set(['collector_user', 'collector_password'])

/**
 * What `talon check` says of the files, as findings. A key that is unknown here had no effect in Falco Talon either: it
 * reads past what it does not know. Where it looks like a slip for one that has, a person has to say what is meant.
 */
export function settleIssues(file: EditableFile, issues: readonly Issue[]): void {
  for (const { level, message, hint = '', file: name, line = 0, column = 0 } of issues) {
    // Tokens without quotes got them.
    if (name !== file.name || message.includes('is not between double quotes')) continue
    const unknown = level === 'warning' && /^unknown [^']*'(.*)'$/.exec(message)?.[1]
    const place = unknown ? file.pairAt(line, column) : undefined
    if (!unknown || !place) {
      if (level === 'error') file.note('decide', line, hint ? `${message}: ${hint}` : message)
      else file.note('differs', line, hint ? `talon check warns: ${message}: ${hint}` : `talon check warns: ${message}`)
      continue
    }
    const meant = FORMER[unknown] ?? /^did you mean '(.*)'\?$/.exec(hint)?.[1]
    if (meant !== undefined && !GONE.has(unknown))
      file.note(
        'decide',
        line,
        `'${unknown}' has no effect, there and here: call it '${meant}' if that is meant, or remove it`,
      )
    else {
      file.note('removed', line, `${message.replace('unknown ', '')} never had an effect`)
      file.remove(place)
    }
  }
}
