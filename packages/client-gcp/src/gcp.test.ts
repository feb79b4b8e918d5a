import { beforeEach, describe, expect, it, vi } from 'vitest'
import { loadedBy } from '../testing/loaded.ts'
import { openStand, signal, type Stand } from '../testing/stand.ts'

let stand: Stand
beforeEach(async () => {
  stand = await openStand()
})

describe('the client', () => {
  it('is checked by asking for a token', async () => {
    await expect((await stand.withAccount()).check(signal())).resolves.toBeUndefined()
    stand.google.answer(/^\/token/, {
      status: 400,
      body: { error: 'invalid_grant', error_description: 'account not found' },
    })
    await expect((await stand.withAccount()).check(signal())).rejects.toThrow('account is gone')
  })

  it.each(['http://127.0.0.1:4443/', '127.0.0.1:4443'])('sends no token to the emulator at %s', async (host) => {
    vi.stubEnv('STORAGE_EMULATOR_HOST', host.replace('4443', new URL(stand.google.url).port))
    const client = await stand.open({ storage_endpoint: 'https://storage.example.com' })
    expect(client.endpoints.storage).toBe(stand.google.url)
    stand.google.answer(/^\/storage/, { status: 200 })
    await stand.ask(client, { url: `${client.endpoints.storage}/storage/v1/b` })
    expect(stand.google.asked.map(({ path, authorization }) => [path, authorization])).toEqual([['/storage/v1/b', '']])
    await expect(client.check(signal())).resolves.toBeUndefined()
  })

  it('loads no library before it is opened', () => {
    const open = `const { gcp } = await import('@talon/client-gcp')
      await gcp.open(gcp.settings.parse({}), { log: console })`
    expect(loadedBy(`await import('@talon/client-gcp')`, import.meta.dirname)).toBe(0)
    expect(loadedBy(open, import.meta.dirname)).toBeGreaterThan(0)
  })
})
