/** How Talon calls itself to the services that it tells: the name that Falco Talon has. */
export const USER_AGENT = 'Falco-Talon'

/**
 * Headers of a request: those of a setting `custom_headers`, and the notifier's own. Names of headers know no case: an
 * own one takes the place of a custom one.
 * @param own one that is undefined is not sent, and takes no place
 */
export function headersOf(
  custom: Readonly<Record<string, string>>,
  own: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const headers = new Headers(custom)
  for (const [name, value] of Object.entries({ 'user-agent': USER_AGENT, ...own }))
    if (value !== undefined) headers.set(name, value)
  return Object.fromEntries(headers)
}

/** The header `Authorization` of basic authentication (RFC 7617); undefined where user or password is missing. */
export function basicAuthorization(user: string | undefined, password: string | undefined): string | undefined {
  return user && password ? `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` : undefined
}
