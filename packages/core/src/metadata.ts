import type { Event, StoredArtifact } from '@talon/plugin'
import { podOf } from './key.ts'
import type { PlannedRule, Step } from './planned.ts'

/** S3 takes 2 KB of metadata, names and values together, in header-safe characters. */
const LONGEST = 150

/** What is kept with a stored artifact, so that it explains itself: see `OutputJob.metadata`. */
export function metadataOf(event: Event, rule: PlannedRule, step: Step, artifact: StoredArtifact) {
  const place = podOf(event)
  const facts = {
    'falco-rule': event.rule,
    'event-time': event.time,
    pod: place?.pod,
    namespace: place?.namespace,
    node: event.hostname,
    rule: rule.rule,
    action: step.action,
    actionner: step.actionner,
    sha256: artifact.sha256,
    'trace-id': event.traceId,
  }
  const entries = Object.entries(facts).map(([name, value]) => [name, headerSafe(value ?? '')] as const)
  return Object.fromEntries(entries.filter(([, value]) => value !== ''))
}

/** Percent-encodes what a header cannot hold, and cuts between two characters. */
function headerSafe(text: string): string {
  let safe = ''
  for (const character of text.toWellFormed()) {
    const next = /^[\x20-\x24\x26-\x7e]$/.test(character) ? character : encodeURIComponent(character)
    if (safe.length + next.length > LONGEST) break
    safe += next
  }
  return safe.trim()
}
