import { readFile } from 'node:fs/promises'
import { getCACertificates } from 'node:tls'
import { ConfigError } from '@talon/plugin'
import { z } from 'zod'

/** Settings of the section `smtp`. */
export const settings = z.object({
  ca_file: z
    .string()
    .optional()
    .describe('File of CA certificates (PEM) to trust besides the usual ones; read at start'),
  cert_file: z.string().optional().describe('File of the certificate (PEM) that Talon shows; needs `key_file`'),
  key_file: z.string().optional().describe('File of the key (PEM) of `cert_file`'),
})

/** What TLS trusts and shows, as PEM. */
export interface Certificates {
  readonly ca?: string[]
  readonly cert?: string
  readonly key?: string
}

/** Reads the files that the settings name. @throws ConfigError where one is none. */
export async function readCertificates(files: z.output<typeof settings>): Promise<Certificates> {
  const { ca_file, cert_file, key_file } = files
  if (!cert_file !== !key_file)
    throw new ConfigError('smtp: cert_file and key_file belong together: give both, or none')
  return {
    ...(ca_file && { ca: [...getCACertificates(), await pem('ca_file', ca_file)] }),
    ...(cert_file && { cert: await pem('cert_file', cert_file) }),
    ...(key_file && { key: await pem('key_file', key_file) }),
  }
}

async function pem(setting: string, path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new ConfigError(`smtp.${setting}: ${error.message}`)
  })
  if (!text.includes('-----BEGIN ')) throw new ConfigError(`smtp.${setting}: ${path} is no PEM file`)
  return text
}
