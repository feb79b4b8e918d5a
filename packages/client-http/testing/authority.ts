// eslint-disable-next-line no-restricted-imports -- @peculiar/x509 wants it
import 'reflect-metadata'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as x509 from '@peculiar/x509'
import { onTestFinished } from 'vitest'

/** A certificate and its key: PEM, and files that last as long as the test. */
export interface Issued {
  readonly cert: string
  readonly key: string
  readonly cert_file: string
  readonly key_file: string
}

/** A CA of the test's own. */
export interface Authority {
  readonly pem: string
  readonly ca_file: string
  /** Issues a certificate of that DNS name. */
  readonly issue: (name: string) => Promise<Issued>
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const generate = () => crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])

/** Makes a CA that lasts until the test ends. */
export async function createAuthority(): Promise<Authority> {
  const folder = mkdtempSync(join(tmpdir(), 'talon-authority-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const write = (file: string, text: string) => {
    const path = join(folder, file)
    writeFileSync(path, text)
    return path
  }
  const [notBefore, notAfter] = [new Date(Date.now() - 60_000), new Date(Date.now() + 86_400_000)]
  const valid = { notBefore, notAfter, signingAlgorithm: algorithm }
  const keys = await generate()
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    ...valid,
    name: 'CN=a CA of its own',
    keys,
    extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
  })
  const pem = ca.toString('pem')
  return {
    pem,
    ca_file: write('ca.pem', pem),
    async issue(name) {
      const own = await generate()
      const issued = await x509.X509CertificateGenerator.create({
        ...valid,
        subject: `CN=${name}`,
        issuer: ca.subject,
        publicKey: own.publicKey,
        signingKey: keys.privateKey,
        extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: name }])],
      })
      const cert = issued.toString('pem')
      const key = x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', own.privateKey), 'PRIVATE KEY')
      return { cert, key, cert_file: write(`${name}.pem`, cert), key_file: write(`${name}-key.pem`, key) }
    },
  }
}
