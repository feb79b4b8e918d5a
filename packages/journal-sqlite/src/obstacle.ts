import { ConfigError } from '@talon/plugin'
import type { Obstacle } from './database.ts'

const WAYS_OUT: Readonly<Record<Obstacle, string>> = {
  locked: 'another process has it open: end that, or give each server a `journal.path` of its own',
  corrupt:
    'the file is damaged, and events that were accepted may be in it: bring it back from a backup, or move it aside to begin a new one; with `journal.on_failure: memory` that is done at the start, and what can be read is taken over',
  foreign: 'choose another folder as `journal.path`',
  newer: 'start the version of Talon that wrote it, or a later one, or choose another folder as `journal.path`',
  other:
    'let that one finish what is in it, then move the file away to begin a new one, or choose another folder as `journal.path`',
  unusable:
    "let Talon's user write there (in Kubernetes: mount a volume), choose another folder as `journal.path`, or set `journal.type: memory` where events may be lost",
}

/** Why a start ends at the journal, and the way out. */
export function obstacleError(file: string, why: Obstacle, message: string): ConfigError {
  return new ConfigError(`journal.path: ${file} cannot be used: ${message}; ${WAYS_OUT[why]}`)
}
