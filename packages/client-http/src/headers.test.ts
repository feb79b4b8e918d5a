import { describe, expect, it } from 'vitest'
import { basicAuthorization, headersOf } from './headers.ts'

describe('headers', () => {
  it('of its own take the place of custom ones, whatever their case; what is undefined leaves them alone', () => {
    const custom = { AUTHORIZATION: 'Bearer x', 'X-Extra': 'yes', 'User-Agent': 'curl' }
    expect(headersOf(custom, { authorization: 'Basic y', 'x-extra': undefined })).toEqual({
      authorization: 'Basic y',
      'x-extra': 'yes',
      'user-agent': 'Falco-Talon',
    })
  })

  it.each([
    ['me', 'pässword', `Basic ${Buffer.from('me:pässword').toString('base64')}`],
    ['me', undefined, undefined],
    [undefined, 'password', undefined],
    ['', '', undefined],
  ])('authorize %j with %j as %j', (user, password, header) => {
    expect(basicAuthorization(user, password)).toBe(header)
  })
})
