import { describe, expect, it } from 'vitest'
import { quoteTokens } from './program.ts'

const none = { quoted: [], single: [], others: [] }

describe('tokens in program text', () => {
  it.each([
    ['bare', 'cat ${FD_NAME} $PROC_NAME', 'cat "${FD_NAME}" "$PROC_NAME"', ['FD_NAME', 'PROC_NAME']],
    ['within a word', 'tar cf /tmp/$HOSTNAME.tar .', 'tar cf /tmp/"$HOSTNAME".tar .', ['HOSTNAME']],
    ['alone in single quotes', "echo '${RULE}'", 'echo "${RULE}"', ['RULE']],
    ['in a substitution inside of quotes', 'x="$(cat $FD_NAME)"', 'x="$(cat "$FD_NAME")"', ['FD_NAME']],
    [
      "of Talon's own, in their other spelling",
      'echo ${FALCO-TALON_RULE}',
      'echo "${FALCO-TALON_RULE}"',
      ['FALCO-TALON_RULE'],
    ],
    ['twice', 'ls $FD_NAME $FD_NAME', 'ls "$FD_NAME" "$FD_NAME"', ['FD_NAME']],
  ])('get double quotes: %s', (_, program, text, quoted) => {
    expect(quoteTokens(program)).toEqual({ ...none, text, quoted })
    expect(quoteTokens(text)).toEqual({ ...none, text })
  })

  it.each([
    ['in double quotes', 'cat "${FD_NAME}" "a $PROC_NAME b"'],
    ['in a comment', 'ls # ${FD_NAME}\n# $FD_NAME'],
    ['behind a backslash', String.raw`echo \$FD_NAME`],
    ['that the program sets itself', 'MY_DIR=/tmp; ls $MY_DIR; for ONE_FILE in *; do ls $ONE_FILE; done'],
  ])('stay as they are %s', (_, program) => {
    expect(quoteTokens(program)).toEqual({ ...none, text: program })
  })

  it('are told where they stand in a longer text in single quotes, which only a person can take apart', () => {
    const program = `awk '/\${PROC_NAME}/ { print $1 }'`
    expect(quoteTokens(program)).toEqual({ ...none, text: program, single: ['PROC_NAME'] })
  })

  it("are told from the shell's own variables", () => {
    expect(quoteTokens('ls $HOME "$PATH" \'$USER\'').others).toEqual(['HOME', 'PATH'])
  })
})
