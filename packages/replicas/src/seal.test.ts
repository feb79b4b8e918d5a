import { expect, it } from 'vitest'
import { createSealer } from './seal.ts'

const headers = (given: object) => (name: string) => (given as Record<string, string>)[name]

it('opens what was sealed with the same secret, once, and nothing else', () => {
  let time = 1_000_000
  const one = createSealer('secret', () => time)
  const other = createSealer('secret', () => time)
  const seal = one.seal('body')
  expect(other.opens('body!', headers(seal))).toBe(false)
  expect(createSealer('guess', () => time).opens('body', headers(seal))).toBe(false)
  expect(other.opens('body', headers({ ...seal, 'talon-nonce': 'another' }))).toBe(false)
  expect(other.opens('body', headers({ ...seal, 'talon-time': String(time + 1) }))).toBe(false)
  expect(other.opens('body', headers({}))).toBe(false)
  expect(other.opens('body', headers(seal))).toBe(true)
  expect(other.opens('body', headers(seal))).toBe(false)
  const old = one.seal('body')
  time += 61_000
  expect(other.opens('body', headers(old))).toBe(false)
})

it('binds an answer to its question, and a question is no answer', () => {
  const [one, other] = [createSealer('secret'), createSealer('secret')]
  const answer = other.answer('1', 'yes')
  expect(one.isAnswer('1', 'yes', answer)).toBe(true)
  expect(one.isAnswer('2', 'yes', answer)).toBe(false)
  expect(one.isAnswer('1', 'no', answer)).toBe(false)
  expect(one.isAnswer('1', 'yes', undefined)).toBe(false)
  expect(one.isAnswer('1', 'yes', one.seal('yes')['talon-seal'])).toBe(false)
})
