import { createHmac } from 'node:crypto'

/**
 * Lets a receiver know that a body is Talon's and fresh: `t=<unix seconds>,v1=<hex>`, where `v1` is the HMAC-SHA-256
 * of `<t>.<body>`. The receiver compares in constant time and refuses a `t` that is minutes old.
 * @param now epoch milliseconds
 */
export function signatureOf(body: string, secret: string, now: number): string {
  const t = Math.floor(now / 1000)
  return `t=${t},v1=${createHmac('sha256', secret).update(`${t}.${body}`).digest('hex')}`
}
