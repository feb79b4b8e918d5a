import { describe, expect, it } from 'vitest'
import { EditableFile, isText } from './document.ts'

const fileOf = (text: string) => new EditableFile({ name: 'file.yaml', text })
function without(text: string, key: string): string {
  const file = fileOf(text)
  const line = text.split('\n').findIndex((one) => one.includes(key))
  const place = file.pairAt(line + 1, (text.split('\n')[line] ?? '').indexOf(key) + 1)
  if (place) file.remove(place)
  return String(file)
}

describe('a key that is taken out', () => {
  it.each([
    ['with its line and the comment on it', 'a: 1\nout: 2 # why\n\n# of b\nb:  3\n', 'a: 1\n\n# of b\nb:  3\n'],
    ['with all that is below it', 'a:\n  out:\n    - 1\n    - x: 2\n  b: 1\n', 'a:\n  b: 1\n'],
    ['with a text of several lines', 'out: |\n  one\n  two\nb: 1\n', 'b: 1\n'],
    ['where it has no value', 'a: 1\nout:\nb: 1\n', 'a: 1\nb: 1\n'],
    ['at the end of a file without a last line break', 'a: 1\nout: 2', 'a: 1\n'],
    ['first in an item of a list', '- out: 1\n  b: 2\n- c: 3\n', '- b: 2\n- c: 3\n'],
    ['alone in an item of a list', '- out: 1\n- c: 3\n', '- {}\n- c: 3\n'],
    ['first in braces', 'a: { out: 1, b: [2] }\n', 'a: { b: [2] }\n'],
    ['last in braces', 'a: {b: [2], out: 1}\n', 'a: {b: [2]}\n'],
    ['alone in braces', 'a: { out: 1 }\n', 'a: {  }\n'],
  ])('goes %s', (_, text, rest) => {
    expect(without(text, 'out')).toBe(rest)
  })
})

describe('a text that is changed', () => {
  it.each([
    ['plain', 'a: ls x # why\n', 'a: ls "x" # why\n'],
    ['plain, that would begin with a quote', 'a: x is\n', `a: '"x" is'\n`],
    ['in single quotes', "a:   'it''s x'\n", `a:   'it''s "x"'\n`],
    ['in double quotes', 'a: "\\tx"\n', 'a: "\\t\\"x\\""\n'],
    ['of several lines', 'a: |-\n    ls x\n     # x\nb: 1\n', 'a: |-\n    ls "x"\n     # "x"\nb: 1\n'],
  ])('stays as it was written: %s', (_, text, changed) => {
    const file = fileOf(text)
    const node = file.at(file.root, 'a')
    if (isText(node)) file.set(node, (value) => value.replaceAll('x', '"x"'))
    expect(String(file)).toBe(changed)
    expect(fileOf(changed).text(fileOf(changed).root, 'a')).toContain('"x"')
  })
})

it('is changed once, however often an alias stands for it', () => {
  const file = fileOf('a: &x here\nb: *x\n')
  for (const key of ['a', 'b']) {
    const node = file.at(file.root, key)
    if (isText(node)) file.set(node, (value) => `not ${value}`)
  }
  expect(String(file)).toBe('a: &x not here\nb: *x\n')
})
