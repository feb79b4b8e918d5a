import { describe, expect, it } from 'vitest'
import { connectionFault } from './connection.ts'

const coded = (code: string, message = 'the words of the library') => Object.assign(new Error(message), { code })

describe('a connection that failed', () => {
  it.each([
    ['ECONNREFUSED', { tls: false, untrusted: false, untouched: true }],
    ['EAI_AGAIN', { tls: false, untrusted: false, untouched: true }],
    ['ECONNRESET', { tls: false, untrusted: false, untouched: false }],
    ['UND_ERR_CONNECT_TIMEOUT', { tls: false, untrusted: false, untouched: false }],
    ['SELF_SIGNED_CERT_IN_CHAIN', { tls: true, untrusted: true, untouched: false }],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', { tls: true, untrusted: true, untouched: false }],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', { tls: true, untrusted: true, untouched: false }],
    ['CERT_HAS_EXPIRED', { tls: true, untrusted: false, untouched: false }],
    ['ERR_TLS_CERT_ALTNAME_INVALID', { tls: true, untrusted: false, untouched: false }],
    ['ERR_SSL_WRONG_VERSION_NUMBER', { tls: true, untrusted: false, untouched: false }],
    ['EPROTO', { tls: true, untrusted: false, untouched: false }],
  ])('with %s is %j', (code, meaning) => {
    expect(connectionFault(coded(code))).toEqual({ code, message: 'the words of the library', ...meaning })
  })

  it('at each of several addresses is told by the first', () => {
    const all = new AggregateError([coded('ECONNREFUSED', 'connect ECONNREFUSED ::1:80'), coded('ETIMEDOUT')])
    expect(connectionFault(all)).toMatchObject({ code: 'ECONNREFUSED', message: 'connect ECONNREFUSED ::1:80' })
  })

  it.each([
    [coded('ECONNRESET', ''), 'ECONNRESET'],
    ['a text', 'a text'],
    [undefined, 'undefined'],
    [new AggregateError([]), 'AggregateError'],
    [{ code: 23 }, '[object Object]'],
  ])('has words, whatever was thrown: %j', (thrown, words) => {
    expect(connectionFault(thrown).message).toBe(words)
  })
})
