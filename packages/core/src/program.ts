/** A name in a text: `${FD_NAME}` as it is written, and where. */
export interface Found {
  readonly written: string
  readonly name: string
  readonly index: number
}

const NAME = /\$(?:\{([A-Za-z_][A-Za-z0-9_-]*)\}|(FALCO-TALON_[A-Z_]+|[A-Za-z_][A-Za-z0-9_]*))/y

/** All names that a text mentions, each once. */
export function namesIn(text: string): Found[] {
  const found = new Map<string, Found>()
  for (let index = text.indexOf('$'); index >= 0; index = text.indexOf('$', index + 1)) {
    const one = nameAt(text, index)
    if (one && !found.has(one.name)) found.set(one.name, one)
  }
  return [...found.values()]
}

/**
 * Names in program text that stand outside of quotes, each once: those that look like tokens, that the program does not
 * set, and that are no whole value of an assignment, where a shell splits nothing.
 */
export function unquoted(program: string): Found[] {
  const found = new Map<string, Found>()
  let double = false
  /** Whether double quotes were open around each `(`: what stands in `"$(…)"` is quoted on its own. */
  const around: boolean[] = []
  for (let index = 0; index < program.length; index++) {
    const letter = program[index]
    const before = program.slice(0, index)
    if (letter === '\\') index++
    else if (letter === '"') double = !double
    else if (!double && letter === "'") index = endOf(program, "'", index)
    else if (!double && letter === '#' && /(^|\s)$/.test(before)) index = endOf(program, '\n', index)
    else if ((letter === '$' && program[index + 1] === '(') || (letter === '(' && !double)) {
      around.push(double)
      double = false
      if (letter === '$') index++
    } else if (letter === ')' && !double) double = around.pop() ?? false
    else if (letter === '$') {
      const one = nameAt(program, index)
      if (!one) continue
      index += one.written.length - 1
      const assigned = /(^|[\s;&|(])[A-Za-z_]\w*=$/.test(before) || new RegExp(`\\b${one.name}=`).test(program)
      if (!double && !assigned && isToken(one.name) && !found.has(one.name)) found.set(one.name, one)
    }
  }
  return [...found.values()]
}

/** Tokens are in upper case: the folded names of fields hold a `_`, an event's own five are these. */
function isToken(name: string): boolean {
  return (
    /^[A-Z][A-Z0-9]*[_-][A-Z0-9_-]*$/.test(name) || ['PRIORITY', 'HOSTNAME', 'SOURCE', 'RULE', 'TAGS'].includes(name)
  )
}

function nameAt(text: string, index: number): Found | undefined {
  NAME.lastIndex = index
  const [written, braced, bare] = NAME.exec(text) ?? []
  const name = braced ?? bare
  return written !== undefined && name !== undefined ? { written, name, index } : undefined
}

function endOf(text: string, mark: string, from: number): number {
  const end = text.indexOf(mark, from + 1)
  return end < 0 ? text.length : end
}
