import { z } from 'zod'

/** https://www.rfc-editor.org/rfc/rfc9110#name-tokens, and what undici sends as a value. */
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/** Whether a text is an address that can be asked over HTTP. */
export function isWeb(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
}

/** A setting that is an address. It is a secret: user and password may be in it, or a token in its path. */
export const webAddress = z.string().refine(isWeb, 'is no http:// or https:// URL').meta({ secret: true })

/** A setting that becomes the value of a header. */
export const headerValue = z.string().regex(VALUE, 'is no value of a header')

/** `custom_headers` of a notifier. A secret as a whole: Authorization is the usual one. */
export const customHeaders = z
  .record(z.string().regex(NAME, 'is no name of a header'), headerValue)
  .default({})
  .meta({ secret: true })
