import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

/** Files of a certificate of localhost, which is its own CA, and of its key, in a folder. Needs openssl. */
export function selfSigned(folder: string): { readonly cert: string; readonly key: string } {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const names = 'subjectAltName=DNS:localhost,IP:127.0.0.1'
  const what = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost', '-addext', names]
  execFileSync('openssl', ['req', ...what, '-keyout', key, '-out', cert], { stdio: 'ignore' })
  return { cert, key }
}
