import { expect, test } from 'vitest'
import { objectKey, prefix } from './prefix.ts'

test.each(['', '/', 'a', '/a/', 'a//b/', '//a/b'])('a prefix %j with or without slashes gives a tidy key', (given) => {
  const parts = given.split('/').filter(Boolean)
  expect(objectKey(prefix.parse(given), 'pod.log')).toBe([...parts, 'pod.log'].join('/'))
})

test.each(['../a', 'a/..', 'a/./b', 'a\\b', 'a\0b'])('a prefix %j that climbs or lies is refused', (given) => {
  expect(prefix.safeParse(given).success).toBe(false)
})

test.each(['', '.', '..', 'a/b', 'a\\b', 'a\0'])('a name %j that is not one part stores nothing', (key) => {
  expect(() => objectKey('evidence', key)).toThrow('nothing was stored')
})
