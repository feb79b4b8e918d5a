// The least that a server of events can do: read the body, parse it, answer.
import { createServer } from 'node:http'

createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    if (request.method === 'POST') JSON.parse(Buffer.concat(chunks).toString())
    response.writeHead(202, { 'content-type': 'application/json' }).end('{"status":"accepted"}')
  })
}).listen(Number(process.argv[2]), '127.0.0.1')
