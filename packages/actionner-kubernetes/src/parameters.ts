import { z } from 'zod'

/** The shell that reads a program. */
export const shellParameter = z
  .string()
  .regex(/^[^\0]+$/, 'is no path of a shell')
  .default('/bin/sh')
  .describe('Path of the shell in the container; a POSIX shell, such as sh, dash, bash, busybox')

/** Reference of a container image: `registry/path:tag@digest`. https://github.com/distribution/reference */
const IMAGE = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,254}(@sha256:[0-9a-f]{64})?$/

/** The image that a capture runs in. */
export const imageParameter = (image: string) =>
  z.string().regex(IMAGE, 'is no reference of an image').default(image).describe('Image of the container that captures')
