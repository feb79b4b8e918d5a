import type { Issue } from '@talon/plugin'
import type { EditableFile } from './document.ts'

/** Parameters of early versions, and what took their place: to bring them back to life would change what is done. */
const FORMER: Readonly<Record<string, string>> = { allow: 'allow_cidr' }
/** Keys of early versions that nothing took the place of, however near another is. */
const GONE: ReadonlySet<string> = new Set(['collector_user', 'collector_password'])

/**
 * What `talon check` says of the files, as findings. A key that is unknown here had no effect in Falco Talon either: it
 * reads past what it does not know. Where it looks like a slip for one that has, a person has to say what is meant.
 * @param check looks at the files as they are given
 */
export function settleIssues(
  files: readonly EditableFile[],
  check: (sources: readonly EditableFile['unsettled'][]) => readonly Issue[],
): void {
  let settled: boolean
  // A key may hide another one: blocks of one name are merged before they are checked.
  do {
    const issues = check(files.map(({ unsettled }) => unsettled))
    settled = false
    for (const issue of issues) {
      const file = files.find(({ name }) => name === issue.file)
      if (file && settle(file, issue)) settled = true
    }
  } while (settled)
}

/** Gives true where there is one unknown key less. */
function settle(file: EditableFile, { level, message, hint, line = 0, column = 0 }: Issue): boolean {
  // Tokens without quotes get them elsewhere.
  if (message.includes('is not between double quotes')) return false
  const unknown = /^unknown [^']*'(.*)'$/.exec(message)?.[1]
  const place = unknown !== undefined ? file.pairAt(line, column) : undefined
  if (unknown === undefined || !place) {
    const said = hint ? `${message}: ${hint}` : message
    if (level === 'error') file.note('decide', line, said)
    else file.note('differs', line, `talon check warns: ${said}`)
    return false
  }
  const former = FORMER[unknown]
  const meant = former ? `'${former}'` : /^did you mean ('[^?]*)\?/.exec(hint ?? '')?.[1]
  if (meant !== undefined && !GONE.has(unknown)) {
    file.note(
      'decide',
      line,
      `'${unknown}' has no effect, there and here: call it ${meant} if that is meant, or remove it`,
    )
    file.hide(place)
  } else {
    file.note('removed', line, `${message.replace('unknown ', '')} never had an effect`)
    file.remove(place)
  }
  return true
}
