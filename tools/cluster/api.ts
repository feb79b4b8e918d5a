// The few requests that starting a cluster takes.
import { request } from 'node:https'
import { apiPort, token } from './configs.ts'

/** Body of a response of the cluster's API server; rejects for any status but 2xx. */
export async function callApi(
  certificate: string,
  method: 'GET' | 'POST',
  path: string,
  body?: object,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request(
      {
        ...{ host: '127.0.0.1', port: apiPort, path, method, ca: certificate },
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      },
      (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
        response.on('error', reject).on('end', () => {
          const { statusCode = 0 } = response
          if (statusCode >= 200 && statusCode < 300) resolve(text)
          else reject(new Error(`${method} ${path}: ${statusCode} ${text}`))
        })
      },
    )
    call.on('error', reject).end(body === undefined ? undefined : JSON.stringify(body))
  })
}
