import { describe, expect, it } from 'vitest'
import { createSealer } from './seal.ts'

const HERE = 'http://b/-/replicas'
const headers = (given: object) => (name: string) => (given as Record<string, string>)[name]

/** Servers with one wall clock, each with a monotonic one of its own; all have run for long. */
function clocks() {
  let [time, run] = [1_000_000, 0]
  const server = (secret = 'secret', ran = 3600_000) => {
    const began = run
    let asked = 0
    // The first reading is the start.
    return createSealer(secret, { now: () => time, monotonic: () => run - began + (asked++ ? ran : 0) })
  }
  return { server, pass: (by: number) => void ((time += by), (run += by)), set: (by: number) => void (time += by) }
}

describe('a seal', () => {
  it('opens with the same secret, once, and nothing else does', () => {
    const { server } = clocks()
    const [one, other] = [server(), server()]
    const seal = one.seal(HERE, 'body')
    expect(server('guess').open(HERE, headers(seal))).toBeUndefined()
    for (const [name, value] of Object.entries(seal))
      expect(other.open(HERE, headers({ ...seal, [name]: `${value}1` }))).toBeUndefined()
    expect(other.open(HERE, headers({}))).toBeUndefined()
    const opened = other.open(HERE, headers(seal))
    expect([opened?.holds('body'), opened?.holds('body!')]).toEqual([true, false])
    expect(other.open(HERE, headers(seal))).toBeUndefined()
  })

  it('opens at the server that it is for, and at no other, nor at another path', () => {
    const { server } = clocks()
    const seal = server().seal(HERE, 'body')
    for (const place of ['http://c/-/replicas', 'http://b/-/reload', 'https://b/-/replicas', 'http://b:1/-/replicas'])
      expect(server().open(place, headers(seal))).toBeUndefined()
    expect(server().open(HERE, headers(seal))).toBeDefined()
  })

  it('opens for a minute, however the clock of the server is set meanwhile', () => {
    const { server, pass, set } = clocks()
    const [one, other] = [server(), server()]
    const [old, used] = [one.seal(HERE, 'body'), one.seal(HERE, 'body')]
    expect(other.open(HERE, headers(used))).toBeDefined()
    pass(61_000)
    expect(other.open(HERE, headers(old))).toBeUndefined()
    set(-61_000)
    expect(other.open(HERE, headers(used))).toBeUndefined()
  })

  it('does not open at a server that began after it: the one before it may have opened it', () => {
    const { server, pass } = clocks()
    const one = server()
    const seal = one.seal(HERE, 'body')
    pass(1000)
    const restarted = server('secret', 0)
    expect(restarted.open(HERE, headers(seal))).toBeUndefined()
    expect(restarted.open(HERE, headers(one.seal(HERE, 'body')))).toBeDefined()
  })
})

it('an answer is bound to its question, and a question is no answer', () => {
  const [one, other] = [createSealer('secret'), createSealer('secret')]
  const answer = other.answer('1', 'yes')
  expect(one.isAnswer('1', 'yes', answer)).toBe(true)
  expect(one.isAnswer('2', 'yes', answer)).toBe(false)
  expect(one.isAnswer('1', 'no', answer)).toBe(false)
  expect(one.isAnswer('1', 'yes', undefined)).toBe(false)
  expect(one.isAnswer('1', 'yes', one.seal(HERE, 'yes')['talon-seal'])).toBe(false)
})
