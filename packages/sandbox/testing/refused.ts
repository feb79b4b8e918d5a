/** The refusal of a call by the client library of Kubernetes, as `code reason message`. */
export async function refused(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  const { code, body } = error as { code: number; body: string }
  const { reason, message } = JSON.parse(body) as { reason: string; message: string }
  return `${code} ${reason} ${message}`
}
