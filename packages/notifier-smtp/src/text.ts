import type { Card, Fact } from './card.ts'
import { linesOf, visible } from './visible.ts'

/** Cards as plain text. Every line of what came in an event is marked or labelled, so that none passes for Talon's own. */
export function textOf(cards: readonly Card[], footer: string): string {
  return `${cards.map(sectionOf).join(`\n${'='.repeat(72)}\n\n`)}\n-- \n${footer}\n`
}

function sectionOf({ status, title, summary, facts, output, event, fields }: Card): string {
  const parts = [
    `${status.toUpperCase()}: ${visible(title)}\n${visible(summary)}\n`,
    rows(facts),
    output === undefined ? '' : `Result:\n${quoted(output)}`,
    `Event:\n${rows(event)}`,
    fields.length ? `Output fields:\n${rows(fields)}` : '',
  ]
  return parts.filter(Boolean).join('\n')
}

function rows(facts: readonly Fact[]): string {
  const width = Math.min(24, Math.max(...facts.map(([label]) => label.length)))
  return facts.map(([label, value]) => `  ${`${visible(label)}:`.padEnd(width + 2)}${visible(value)}\n`).join('')
}

const quoted = (text: string) =>
  linesOf(text)
    .map((line) => `  | ${visible(line)}\n`)
    .join('')
