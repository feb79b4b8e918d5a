import { TalonError, type ActionError } from '@talon/plugin'

/** The error that something ends with. @throws where it ends well, or with an error that is none of Talon's. */
export async function failureOf(sent: Promise<unknown>): Promise<ActionError> {
  const error: unknown = await sent.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!TalonError.is(error)) throw new Error(`no error of Talon: ${String(error)}`)
  return error as ActionError
}
