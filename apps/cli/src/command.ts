/** What a command may use besides its options. */
export interface Surroundings {
  /** Ends the process at once. */
  readonly exit: (status: number) => void
}

/** Options that every command takes. */
export interface GlobalOptions {
  readonly config?: string
  readonly rules?: string[]
}
