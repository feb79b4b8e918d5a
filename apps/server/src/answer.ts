/** An answer in JSON. Its last line ends, so that the prompt of a shell comes after it and not behind it. */
export function jsonAnswer(body: object, status: number, headers: Readonly<Record<string, string>>): Response {
  return new Response(`${JSON.stringify(body)}\n`, {
    status,
    headers: { ...headers, 'content-type': 'application/json' },
  })
}
