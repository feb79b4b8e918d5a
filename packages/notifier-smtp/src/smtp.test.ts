import { checkPlugin } from '@talon/testing'
import { describe, expect, it } from 'vitest'
import { openMailer } from '../testing/tell.ts'
import plugin, { smtp } from './index.ts'

checkPlugin(plugin)

describe('settings', () => {
  const right = { host_port: 'mail.example.org:587', to: 'a@example.org' }

  it.each([
    [{ host_port: 'mail.example.org' }, 'is no host and port'],
    [{ host_port: 'mail.example.org:0' }, 'is no host and port'],
    [{ host_port: 'http://mail.example.org:25' }, 'is no host and port'],
    [{ to: ' , ' }, 'names no address'],
    [{ to: 'a@example.org, nobody' }, '\\"nobody\\" is no address'],
    [{ to: 'a@example.org\nBcc: b@example.org' }, 'is no address'],
    [{ to: Array.from({ length: 101 }, (_, index) => `a${index}@example.org`).join() }, 'use a mailing list'],
    [{ from: 'Talon' }, 'is no address'],
    [{ user: 'talon' }, 'is missing, and there is a user'],
    [{ from: 'Talon\r\nX: y <talon@example.org>' }, 'is no address'],
  ])('that cannot work are refused: %j', (given, words) => {
    expect(JSON.stringify(smtp.parameters.safeParse({ ...right, ...given }).error?.issues)).toContain(words)
  })

  it('take names, spaces and addresses of IPv6', () => {
    const read = smtp.parameters.parse({
      ...right,
      host_port: '[::1]:25',
      to: ' B<b@x.org> ,c@x.org,',
      from: 'É <e@x.org>',
    })
    expect(read).toMatchObject({
      host_port: { host: '::1', port: 25 },
      from: { name: 'É', address: 'e@x.org' },
      to: [
        { name: 'B', address: 'b@x.org' },
        { name: '', address: 'c@x.org' },
      ],
    })
  })

  it('of certificates that cannot be read are named when the client is opened', async () => {
    await expect(openMailer({ ca_file: '/nowhere' })).rejects.toThrow('smtp.ca_file: ENOENT')
    await expect(openMailer({ ca_file: '/dev/null' })).rejects.toThrow('is no PEM file')
    await expect(openMailer({ key_file: '/nowhere' })).rejects.toThrow('cert_file and key_file belong together')
  })
})
