import { ActionError } from '@talon/plugin'

/**
 * Sends a request, once: the engine tries again, where the error says that it makes sense.
 * @throws ActionError where no answer of 2xx came.
 */
export async function send(url: URL, init: RequestInit & { signal: AbortSignal }): Promise<Response> {
  const response = await fetch(url, { redirect: 'manual', ...init }).catch((error: unknown) => {
    init.signal.throwIfAborted()
    throw new ActionError(`${url.origin} cannot be reached`, { retryable: true, cause: error })
  })
  if (response.ok) return response
  await response.body?.cancel()
  const seconds = Number(response.headers.get('retry-after'))
  // The path of a URL may be a secret: errors name its origin alone.
  throw new ActionError(`${url.origin} answered ${response.status}`, {
    retryable: response.status === 429 || response.status >= 500,
    ...(seconds > 0 && { retryAfter: seconds * 1000 }),
  })
}
