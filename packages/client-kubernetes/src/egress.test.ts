import { describe, expect, it } from 'vitest'
import { contains, hostNetwork, largest, narrow, networkOf, type Egress } from './egress.ts'

const lists = (cidrs: string[], namespaces: string[] = [], deny: string[] = []): Egress => ({
  deny,
  allow: { cidrs, namespaces },
})

describe('networks', () => {
  it.each([
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['192.0.2.1/32', '192.0.2.1/32'],
    ['2001:db8::1/32', '2001:db8::/32'],
    ['::ffff:192.0.2.7/120', '192.0.2.0/24'],
    ['0.0.0.0/0', '0.0.0.0/0'],
  ])('%s is %s', (cidr, network) => {
    expect(networkOf(cidr)).toBe(network)
  })

  it.each([
    ['192.0.2.1', '192.0.2.1/32'],
    ['2001:DB8:0::1', '2001:db8::1/128'],
    ['::ffff:192.0.2.1', '192.0.2.1/32'],
  ])('the host %s is %s', (address, network) => {
    expect(hostNetwork(address)).toBe(network)
  })

  it.each([
    ['10.0.0.0/8', '10.9.0.0/16', true],
    ['10.9.0.0/16', '10.0.0.0/8', false],
    ['10.0.0.0/8', '11.0.0.0/16', false],
    ['::/0', '10.0.0.0/8', false],
    ['2001:db8::/32', '2001:db8:1::/48', true],
    ['10.0.0.0/8', '10.0.0.0/8', true],
  ])('%s contains %s: %s', (outer, inner, is) => {
    expect(contains(outer, inner)).toBe(is)
  })

  it('keeps the largest alone', () => {
    expect(largest(['10.1.0.0/16', '10.0.0.0/8', '192.0.2.1/32', '10.0.0.0/8'])).toEqual(['10.0.0.0/8', '192.0.2.1/32'])
  })
})

describe('narrow', () => {
  it('keeps what both allow, the smaller network where one lies in the other', () => {
    const before = lists(['10.0.0.0/8', '192.168.1.0/24', '2001:db8::/32'], ['dns', 'db'])
    const wanted = lists(['10.1.0.0/16', '192.168.0.0/16', '172.16.0.0/12'], ['db', 'web'])
    expect(narrow(before, wanted)).toEqual(lists(['192.168.1.0/24', '10.1.0.0/16'], ['db']))
    expect(narrow(wanted, before).allow).toEqual({
      cidrs: expect.arrayContaining(['192.168.1.0/24', '10.1.0.0/16']) as string[],
      namespaces: ['db'],
    })
  })

  it('leaves nothing where the lists have nothing in common, and that is not everything', () => {
    expect(narrow(lists(['10.0.0.0/8']), lists([], ['db'])).allow).toEqual({ cidrs: [], namespaces: [] })
    expect(narrow(lists([]), { deny: [], allow: 'everything' })).toEqual(lists([]))
  })

  it('adds up what is denied', () => {
    const before: Egress = { deny: ['192.0.2.1/32'], allow: 'everything' }
    const wanted: Egress = { deny: ['192.0.2.2/32', '192.0.2.1/32'], allow: 'everything' }
    expect(narrow(before, wanted)).toEqual({ deny: ['192.0.2.1/32', '192.0.2.2/32'], allow: 'everything' })
  })
})
