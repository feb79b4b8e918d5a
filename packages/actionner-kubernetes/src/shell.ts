import { EventError } from '@talon/plugin'

/** Program text for a shell, and the variables that it is given. */
export interface Program {
  /** Path of a POSIX shell. */
  readonly shell: string
  readonly text: string
  readonly variables: Readonly<Record<string, string>>
}

/** What is run in a container: words that no shell reads, and what it gets on standard input. */
export interface ShellCall {
  readonly command: readonly string[]
  readonly stdin?: Uint8Array
}

/** Words travel in the URL of the request, and some proxies take no more than 8 kB there. */
const ARGUMENTS = 4096
/** Bytes of `NAME=value` and its NUL that Linux takes in an environment: MAX_ARG_STRLEN. */
const ENTRY = 128 * 1024

/**
 * Reads lines from standard input: `NAME COUNT`, then COUNT lines of the value; `.` ends the variables, and the program's
 * text follows the same way, and one more `.`, so that half a program never runs. What is read is only ever assigned, between quotes: no value is text of a program. `read`
 * takes one byte at a time from a pipe, so nothing is lost, and nothing but the shell itself is needed.
 */
const READER = `talon_nl='
'
talon_value() {
  IFS= read -r talon_text
  while [ "$talon_count" -gt 1 ]; do
    IFS= read -r talon_line
    talon_text=$talon_text$talon_nl$talon_line
    talon_count=$((talon_count - 1))
  done
}
while IFS=' ' read -r talon_name talon_count && [ "$talon_name" != . ]; do
  talon_value
  export "$talon_name=$talon_text"
done
[ "$talon_name" = . ] || exit 125
talon_value
IFS= read -r talon_line && [ "$talon_line" = . ] || exit 125
set -- "$talon_text"
unset talon_nl talon_name talon_count talon_text talon_line
unset -f talon_value
exec </dev/null
eval 'shift
'"$1"`

/** How to run a program in a container, so that variables reach it as data, whatever they hold. @throws EventError */
export function shellCall({ shell, text, variables }: Program): ShellCall {
  const entries = Object.entries(variables)
  for (const [name, value] of entries) refuse(name, value)
  if (entries.length === 0 && Buffer.byteLength(text) <= ARGUMENTS) return { command: [shell, '-c', text] }
  const block = (name: string, value: string) => `${name} ${value.split('\n').length}\n${value}\n`
  const stdin = [...entries.map(([name, value]) => block(name, value)), block('.', text), '.\n'].join('')
  return { command: [shell, '-c', READER], stdin: Buffer.from(stdin) }
}

function refuse(name: string, value: string): void {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw new EventError(`${JSON.stringify(name)} is no name of a variable`)
  if (value.includes('\0')) throw new EventError(`the value of ${name} holds a NUL, which no shell variable can hold`)
  const size = Buffer.byteLength(`${name}=${value}`) + 1
  if (size > ENTRY)
    throw new EventError(`the value of ${name} has ${size} bytes: no program takes more than ${ENTRY} in a variable`)
}
