import { excerptOf } from '@talon/plugin'

/** Characters of an answer that an error repeats. */
const EXCERPT = 200
/** Anything shorter would be found by chance. */
const SECRET = 6

/** The beginning of an answer, on one line and without the secrets of the request that it answers. */
export function excerpt(text: string, url: URL, headers: Readonly<Record<string, string>>): string {
  const { pathname, search, searchParams, username, password } = url
  const pieces = [...pathname.split('/'), ...searchParams.values(), username, password]
  const credentials = Object.values(headers).flatMap((value) => [value, ...value.split(' ')])
  const secrets = [url.href, pathname + search, pathname, ...credentials, ...pieces]
    .flatMap((secret) => [secret, decoded(secret)])
    .filter((secret) => secret.length >= SECRET)
    .toSorted((one, other) => other.length - one.length)
  let shown = text
  for (const secret of secrets) shown = shown.replaceAll(secret, '***')
  return excerptOf(shown, EXCERPT)
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
