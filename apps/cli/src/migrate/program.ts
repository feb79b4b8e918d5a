/** A name in program text, and how the shell reads it there. */
interface Mention {
  /** As it is written: `${FD_NAME}`. */
  readonly written: string
  readonly name: string
  readonly index: number
  readonly quoting: 'bare' | 'double' | 'single'
}

export interface QuotedProgram {
  /** With double quotes around each token that had none. */
  readonly text: string
  /** Tokens that got them. */
  readonly quoted: readonly string[]
  /** Tokens inside of a longer text in single quotes, where a shell replaces nothing. */
  readonly single: readonly string[]
  /** Variables that are no tokens, and that the program does not set. */
  readonly others: readonly string[]
}

/**
 * Falco Talon pastes the values of tokens into a program before the shell reads it; here they are variables of the shell.
 * The same is meant once each stands between double quotes.
 */
export function quoteTokens(program: string): QuotedProgram {
  const sets = (name: string) => new RegExp(String.raw`\b${name}=|\b(for|read)\b[^\n;]*\b${name}\b`).test(program)
  const mentions = mentionsIn(program).filter(({ name }) => !sets(name))
  const quoted: string[] = []
  const single: string[] = []
  let text = program
  for (const { written, name, index, quoting } of mentions.filter((one) => isToken(one.name)).toReversed()) {
    const end = index + written.length
    if (quoting === 'double') continue
    const alone = text[index - 1] === "'" && text[end] === "'"
    if (quoting === 'single' && !alone) single.unshift(name)
    else {
      const around = quoting === 'single' ? 1 : 0
      text = `${text.slice(0, index - around)}"${written}"${text.slice(end + around)}`
      quoted.unshift(name)
    }
  }
  const others = mentions.filter((one) => !isToken(one.name) && one.quoting !== 'single').map(({ name }) => name)
  return { text, quoted: unique(quoted), single: unique(single), others: unique(others) }
}

const unique = (names: readonly string[]) => [...new Set(names)]

const NAME = /\$(?:\{([A-Za-z_][A-Za-z0-9_-]*)\}|(FALCO-TALON_[A-Z_]+|[A-Za-z_][A-Za-z0-9_]*))/y

/** The folded names of fields are in upper case and hold a `_`; an event's own five are these. */
const isToken = (name: string) =>
  /^[A-Z][A-Z0-9]*[_-][A-Z0-9_-]*$/.test(name) || ['PRIORITY', 'HOSTNAME', 'SOURCE', 'RULE', 'TAGS'].includes(name)

function mentionsIn(program: string): Mention[] {
  const found: Mention[] = []
  let quoting: Mention['quoting'] = 'bare'
  /** How each `$(` and `(` was quoted: what stands in `"$(…)"` is quoted on its own. */
  const around: Mention['quoting'][] = []
  for (let index = 0; index < program.length; index++) {
    const letter = program[index]
    if (quoting === 'single') {
      if (letter === "'") quoting = 'bare'
    } else if (letter === '\\') {
      index++
      continue
    } else if (letter === '"') quoting = quoting === 'double' ? 'bare' : 'double'
    else if (letter === "'" && quoting === 'bare') quoting = 'single'
    else if (letter === '#' && quoting === 'bare' && /(^|\s)$/.test(program.slice(0, index))) {
      const end = program.indexOf('\n', index)
      index = end < 0 ? program.length : end
    } else if ((letter === '$' && program[index + 1] === '(') || (letter === '(' && quoting === 'bare')) {
      around.push(quoting)
      quoting = 'bare'
      if (letter === '$') index++
    } else if (letter === ')' && quoting === 'bare') quoting = around.pop() ?? 'bare'
    if (program[index] !== '$') continue
    NAME.lastIndex = index
    const [written, braced, plain] = NAME.exec(program) ?? []
    const name = braced ?? plain
    if (written === undefined || name === undefined) continue
    found.push({ written, name, index, quoting })
    index += written.length - 1
  }
  return found
}
