import { beforeEach, describe, expect, it, vi } from 'vitest'
import { askedWith, MINUTE, openStand, passes, type Stand } from '../testing/stand.ts'
import { awsFailure } from './index.ts'

const never = new AbortController().signal
let stand: Stand
beforeEach(async () => {
  stand = await openStand()
})

describe('credentials of a role', () => {
  const role_arn = 'arn:aws:iam::111122223333:role/talon'
  const settings = () => ({ ...stand.keys, role_arn, external_id: 'tenant-7' })
  const sessions = () => stand.mock.asked.filter(({ body }) => body.includes('Action=AssumeRole'))
  beforeEach(() => stand.mock.roles.set(role_arn, { externalId: 'tenant-7', seconds: 3600 }))

  it('are asked for once by all who need them, with the external id', async () => {
    const client = await stand.open(settings())
    const used = await Promise.all([askedWith(client), client.check(never), askedWith(client)])
    expect(used[0]).toMatch(/^ASIA/)
    expect(used[2]).toBe(used[0])
    expect(sessions().map(({ key }) => key)).toEqual([stand.mock.accessKey])
  })

  it('are renewed before they end', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const client = await stand.open(settings())
    const first = await askedWith(client)
    passes(54 * MINUTE)
    expect(await askedWith(client)).toBe(first)
    passes(2 * MINUTE)
    expect(await askedWith(client)).toMatch(/^ASIA/)
    expect(await askedWith(client)).not.toBe(first)
    expect(sessions()).toHaveLength(2)
  })

  it('are used to their end where they cannot be renewed', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const client = await stand.open(settings())
    const first = await askedWith(client)
    stand.mock.roles.delete(role_arn)
    passes(56 * MINUTE)
    expect(await askedWith(client)).toBe(first)
    passes(5 * MINUTE)
    await expect(askedWith(client)).rejects.toThrow('sts:AssumeRole')
  })

  it('are refused with what to do where the role does not trust us', async () => {
    const client = await stand.open({ ...settings(), external_id: 'tenant-8' })
    const error = await askedWith(client).catch((error: unknown) => awsFailure(error, 'storing', 's3:PutObject'))
    expect(error).toMatchObject({ kind: 'action', retryable: false })
    expect((error as Error).message).toMatch(
      /^assuming the role arn:\S+ \(aws.role_arn\) failed: AccessDenied: User.* \(request [\w-]+\); let the role's trust policy name .*aws.external_id/,
    )
  })
})
