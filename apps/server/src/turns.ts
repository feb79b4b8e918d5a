/**
 * Gives a wait for the end of this turn of the event loop, one for all who ask in it. Answers that are written one after
 * the other wake their senders once, and not each his own: on a virtual machine that is half of what an answer costs
 * (`npm run bench -- door`).
 */
export function turns(): () => Promise<void> {
  let turn: Promise<void> | undefined
  return () =>
    (turn ??= new Promise((resolve) => {
      setImmediate(() => {
        turn = undefined
        resolve()
      })
    }))
}
