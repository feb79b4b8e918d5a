import { readFile } from 'node:fs/promises'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import type { Config } from '@talon/core'
import { ConfigError, type Logger } from '@talon/plugin'

/** The server's certificates, as they are on disk now. */
export interface Tls {
  readonly context: SecureContextOptions
  /** Whether clients may prove themselves by a certificate. */
  readonly asksClients: boolean
  /** Files to watch. */
  readonly files: readonly string[]
  /** Reads the files again, and hands them to whom they changed for. What cannot be used stays as it was. */
  look(use: (context: SecureContextOptions) => void): Promise<void>
}

/** Reads the certificates. Undefined where none is configured. @throws ConfigError which says what is wrong with them. */
export async function openTls(settings: Config['tls'], log: Logger): Promise<Tls | undefined> {
  const { cert_file, key_file, client_ca_file } = settings
  if (!cert_file && !key_file) {
    if (client_ca_file) throw new ConfigError('tls.client_ca_file needs tls.cert_file and tls.key_file')
    return undefined
  }
  if (!cert_file || !key_file) throw new ConfigError('tls.cert_file and tls.key_file belong together: give both')
  const files = [cert_file, key_file, ...(client_ca_file ? [client_ca_file] : [])]

  async function read(): Promise<SecureContextOptions> {
    const [cert = '', key = '', ca] = await Promise.all(
      files.map((path) =>
        readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
          throw new ConfigError(`tls: ${path} cannot be read (${error.code})`)
        }),
      ),
    )
    const context: SecureContextOptions = { cert, key, minVersion: 'TLSv1.2', ...(ca !== undefined && { ca }) }
    try {
      createSecureContext(context)
    } catch (error) {
      // OpenSSL's words name no secret.
      throw new ConfigError(`tls: ${cert_file} and ${key_file} cannot be used: ${(error as Error).message}`)
    }
    return context
  }

  let context = await read()
  return {
    get context() {
      return context
    },
    asksClients: client_ca_file !== undefined,
    files,
    async look(use) {
      try {
        const again = await read()
        if (JSON.stringify(again) === JSON.stringify(context)) return
        context = again
        use(again)
        log.info('the certificates were read again', { files })
      } catch (error) {
        log.warn('the certificates were not read again: the old ones stay', { error: (error as Error).message })
      }
    },
  }
}
