/**
 * What a file of Falco Talon means here:
 * - `changed`: the clean file says it otherwise
 * - `removed`: it never had an effect, and the clean file leaves it out
 * - `differs`: it stays as it is, and Talon does something else
 * - `decide`: a person has to say what is meant
 */
export type FindingKind = 'changed' | 'removed' | 'differs' | 'decide'

export interface Finding {
  readonly kind: FindingKind
  /** Name of the file, as it was given. */
  readonly file: string
  /** Absent where it is about the file as a whole. */
  readonly line?: number
  /** Never a value of the config file, which may be a secret. */
  readonly message: string
}
