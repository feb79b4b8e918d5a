import { z } from 'zod'

/** A value that a plugin reads from an event: the Falco fields that may hold it, and what it must look like. */
export interface Field<T = string> {
  /** In order of trust: the first that is present is taken. */
  readonly from: readonly [string, ...string[]]
  /** Checks and converts the field's text. */
  readonly schema: z.ZodType<T>
  /** A field of `from` that counts only where other fields of the event have these values. */
  readonly when?: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** True where an event without the field is fine: the value is undefined then. */
  readonly optional?: boolean
}

/** Makes a field that an event may lack: the plugin reads `undefined` then. */
export function optional<T>(field: Field<T>): Field<T | undefined> {
  return { ...field, schema: field.schema.optional(), optional: true }
}

const DNS_1123 = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/
const dnsName = (what: string) =>
  z
    .string()
    .max(253, `is no name of a ${what}: over 253 characters`)
    .regex(DNS_1123, `is no name of a ${what}: lower case letters, digits, '-' and '.' are allowed`)
const pathSegment = z.string().regex(/^[^/%\s\p{Cc}]{1,253}$/u, 'is no name of a Kubernetes object')
const address = z.union([z.ipv4(), z.ipv6()], 'is no IP address')
const port = z
  .string()
  .regex(/^\d{1,5}$/, 'is no port')
  .transform(Number)
  .pipe(z.number().min(0).max(65535))
const HOST = 'host'

/** The pod of the event. */
export const podName: Field = {
  from: ['k8s.pod.name', 'ka.target.pod.name', 'ka.target.name'],
  when: { 'ka.target.name': { 'ka.target.resource': 'pods' } },
  schema: dnsName('pod'),
}
/** The namespace of the event's pod or audited object. */
export const namespace: Field = { from: ['k8s.ns.name', 'ka.target.namespace'], schema: dnsName('namespace') }
/** UID of the event's pod, where Falco knows it. */
export const podUid: Field<string | undefined> = optional({ from: ['k8s.pod.uid'], schema: pathSegment })
const notHost = z.string().transform((text) => (text === HOST ? undefined : text))
/** Id of the container, as a rule its first 12 digits; absent on the host. */
export const containerId: Field<string | undefined> = {
  from: ['container.id'],
  schema: notHost,
  optional: true,
}
/** Name of the container as its runtime has it; absent on the host. */
export const containerName: Field<string | undefined> = {
  from: ['container.name'],
  schema: notHost,
  optional: true,
}
/** The remote address of the connection. */
export const remoteIp: Field = { from: ['fd.rip', 'fd.sip'], schema: address }
/** The remote port of the connection. */
export const remotePort: Field<number> = { from: ['fd.rport', 'fd.sport'], schema: port }
/** The protocol of the connection: tcp, udp. */
export const remoteProtocol: Field = { from: ['fd.rproto', 'fd.sproto'], schema: z.string().toLowerCase() }
/** Plural name of the audited kind, as the audit log writes it. */
export const auditResource: Field = { from: ['ka.target.resource'], schema: pathSegment }
/** Name of the audited object. */
export const auditName: Field = { from: ['ka.target.name'], schema: pathSegment }
/** Namespace of the audited object; absent for kinds that have none. */
export const auditNamespace: Field<string | undefined> = optional({
  from: ['ka.target.namespace'],
  schema: dnsName('namespace'),
})

/** Name of the note that keeps the UID of the event's pod. */
export const POD_UID = 'pod.uid'
