import type { YAMLMap } from 'yaml'
import type { EditableFile } from './document.ts'

/** An action where it is written: as a block of its own, or in a rule. */
export interface WrittenAction {
  readonly file: EditableFile
  readonly node: YAMLMap
  /** Its own, or that of the block that it names. */
  readonly actionner: string
}

/** A rule where it is written. */
export interface WrittenRule {
  readonly file: EditableFile
  readonly node: YAMLMap
  readonly name: string
}
