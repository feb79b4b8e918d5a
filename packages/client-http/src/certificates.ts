import { readFile } from 'node:fs/promises'
import { getCACertificates } from 'node:tls'
import { ConfigError } from '@talon/plugin'
import { z } from 'zod'

/** Settings of certificates, the same in each section of the config file that has them. */
export const certificateSettings = z.object({
  ca_file: z
    .string()
    .optional()
    .describe('File of CA certificates (PEM) to trust besides the usual ones; read at start'),
  cert_file: z.string().optional().describe('File of the certificate (PEM) that Talon shows; needs `key_file`'),
  key_file: z.string().optional().describe('File of the key (PEM) of `cert_file`'),
})

/** What TLS trusts and shows, each a PEM text. */
export interface Certificates {
  /** The usual CAs and those of `ca_file`. */
  readonly ca?: string[]
  readonly cert?: string
  readonly key?: string
}

/**
 * Reads the files that the settings name.
 * @param section of the config file, for errors
 * @throws ConfigError where one cannot be read or is no PEM file, or where one of certificate and key is missing
 */
export async function readCertificates(
  section: string,
  { ca_file, cert_file, key_file }: z.output<typeof certificateSettings>,
): Promise<Certificates> {
  if (!cert_file !== !key_file)
    throw new ConfigError(`${section}: cert_file and key_file belong together: give both, or none`)
  const pem = async (setting: string, path: string) => {
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      throw new ConfigError(`${section}.${setting}: ${error.message}`)
    })
    if (!text.includes('-----BEGIN ')) throw new ConfigError(`${section}.${setting}: ${path} is no PEM file`)
    return text
  }
  return {
    ...(ca_file && { ca: [...getCACertificates(), await pem('ca_file', ca_file)] }),
    ...(cert_file && { cert: await pem('cert_file', cert_file) }),
    ...(key_file && { key: await pem('key_file', key_file) }),
  }
}
