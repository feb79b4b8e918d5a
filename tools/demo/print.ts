import { styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

/** Colours on a terminal only; `NO_COLOR` is honoured. */
export const paint = (style: Style, text: string): string => styleText(style, text, { stream: process.stdout })

const HEAD = 10

/** `  answer    202 in 1.8 ms` */
export function row(head: string, text: string): void {
  console.log(`  ${paint('dim', head.padEnd(HEAD))}${text}`)
}

export function milliseconds(value: number): string {
  return value < 1000 ? `${value.toFixed(1)} ms` : `${(value / 1000).toFixed(1)} s`
}

/** Columns of a result's line, so that durations stand below each other. */
const NAME = 22
const MESSAGE = 66

const MARKS = { success: ['green', '✓'], ignored: ['yellow', '–'], failure: ['red', '✗'] } as const

/** `✓ kubernetes:label      pod shop/web-0 has the label …          2.1 ms` */
export function result(status: keyof typeof MARKS, name: string, message: string, duration: number): void {
  const [colour, mark] = MARKS[status]
  const lines = wrap(message, MESSAGE)
  for (const [at, line] of lines.entries()) {
    const head = at === 0 ? `${paint(colour, mark)} ${name.padEnd(NAME)}` : ' '.repeat(NAME + 2)
    const tail = at === 0 ? paint('dim', milliseconds(duration).padStart(9)) : ''
    console.log(`  ${' '.repeat(HEAD)}${head}${line.padEnd(MESSAGE)}${tail}`.trimEnd())
  }
}

function wrap(text: string, width: number): string[] {
  const lines = ['']
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? ''
    if (last && last.length + 1 + word.length > width) lines.push(word)
    else lines[lines.length - 1] = last ? `${last} ${word}` : word
  }
  return lines
}
