import { createServer, type ServerOptions } from 'node:https'
import { describe, expect, it } from 'vitest'
import { createAuthority } from '../testing/authority.ts'
import { failureOf } from '../testing/failure.ts'
import { listen } from '../testing/listen.ts'
import { openHttp } from '../testing/open.ts'
import { unreachable } from './failure.ts'

const ask = (url: string) => ({ url, method: 'POST', signal: new AbortController().signal }) as const
const secure = (options: ServerOptions) => listen(createServer(options, (_, response) => void response.end('secure')))

describe('http over TLS', () => {
  it('trusts its own CA, and says what to set where it does not', async () => {
    const { ca_file, issue } = await createAuthority()
    const port = await secure(await issue('localhost'))
    expect((await (await openHttp({ ca_file })).send(ask(`https://localhost:${port}`))).body).toBe('secure')
    const error = await failureOf((await openHttp()).send(ask(`https://localhost:${port}`)))
    expect(error).toMatchObject({ kind: 'action', retryable: false })
    expect(error.message).toContain('put the CA that signed its certificate into http.ca_file')
  })

  it('does not trust a certificate of another name', async () => {
    const { ca_file, issue } = await createAuthority()
    const port = await secure(await issue('localhost'))
    const error = await failureOf((await openHttp({ ca_file })).send(ask(`https://127.0.0.1:${port}`)))
    expect(error).toMatchObject({ kind: 'action', retryable: false })
  })

  it('shows its certificate where one is wanted', async () => {
    const { pem, ca_file, issue } = await createAuthority()
    const port = await secure({ ...(await issue('localhost')), requestCert: true, rejectUnauthorized: true, ca: pem })
    const { cert_file, key_file } = await issue('talon')
    const client = await openHttp({ ca_file, cert_file, key_file })
    expect((await client.send(ask(`https://localhost:${port}`))).body).toBe('secure')
    const other = (await openHttp({ ca_file })).send(ask(`https://localhost:${port}`))
    expect(await failureOf(other)).toMatchObject({ kind: 'action' })
  })

  it.each([
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'set http.cert_file and http.key_file'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'is its url an http:// one?'],
    ['CERT_HAS_EXPIRED', 'the words of the library'],
  ])('takes %s for final: %s', (code, words) => {
    const thrown = Object.assign(new Error('the words of the library'), { code })
    const error = unreachable(new URL('https://example.org/secret'), thrown)
    expect(error).toMatchObject({ retryable: false, message: expect.stringContaining(words) as string })
    expect(error.message).not.toContain('secret')
  })

  it('names the setting whose file is missing, empty or lonely', async () => {
    await expect(openHttp({ ca_file: '/nowhere' })).rejects.toThrow('http.ca_file: ENOENT')
    await expect(openHttp({ ca_file: '/dev/null' })).rejects.toThrow('is no PEM file')
    await expect(openHttp({ key_file: '/nowhere' })).rejects.toThrow('cert_file and key_file belong together')
  })
})
