import { z } from 'zod'

/** The shell that reads a program. */
export const shellParameter = z
  .string()
  .regex(/^[^\0]+$/, 'is no path of a shell')
  .default('/bin/sh')
  .describe('Path of the shell in the container; a POSIX shell, such as sh, dash, bash, busybox')
