/** What Redis, ioredis and the network say when something is wrong, as errors that say what to do. */
import { StoreError, type StoreErrorReason } from "@weft/storage"

/** An error of ioredis, whatever its class. */
interface Failed {
  readonly name: string
  readonly message: string
  readonly stack?: string
  readonly code?: string
  /** The command that Redis refused. */
  readonly command?: { readonly name: string; readonly args: ReadonlyArray<unknown> }
  /** Of a cluster that could not be reached: what its last node said. */
  readonly lastNodeError?: unknown
}

/** What is kept, or was answered, is not what this version of weft writes. */
export class Unreadable extends Error {
  override readonly name = "Unreadable"
}

type Finding = readonly [reason: StoreErrorReason, detail: string]

/** The operation of an error that comes before all others. */
export const CONNECTING = "connect to Redis"

/** An error of ioredis as one of ours. `server` is its name as people are told. */
export const toStoreError = (operation: string, error: unknown, server = "Redis"): StoreError => {
  if (error instanceof StoreError) return error
  const failed: Failed = error instanceof Error ? error : new Error(String(error))
  const [reason, detail] = finding(failed, operation, server)
  return new StoreError({ reason, operation, detail, cause: told(failed) })
}

/** The error without what hangs on it: the command with its arguments, passwords and values among them. */
const told = ({ code, message, name, stack }: Failed): Error =>
  Object.assign(new Error(message), { name, stack, ...(code !== undefined && { code }) })

const finding = (failed: Failed, operation: string, server: string): Finding => {
  if (failed.lastNodeError instanceof Error) return finding(failed.lastNodeError, operation, server)
  if (failed instanceof Unreadable) return ["corrupt", unreadable(failed.message, server)]
  const said = /^[A-Z]+(?= )/.exec(failed.message)?.[0] ?? ""
  if (failed.name === "ReplyError") return ofReply(said, failed, server)
  return ofConnection(failed, operation, server)
}

const unreadable = (what: string, server: string) =>
  `${what}, on ${server}. Another version of weft, or another program, wrote there: remove the run's keys, or choose ` +
  "another `prefix`"

/** What Redis itself answered. */
const ofReply = (said: string, { command, message }: Failed, server: string): Finding => {
  switch (said) {
    case "OOM":
      return [
        "full",
        `${server} is out of memory (maxmemory). Give it more, or remove what is no longer needed; large values can ` +
          "be kept in S3 instead"
      ]
    case "WRONGTYPE":
      return [
        "corrupt",
        `a key of ours holds something else${keysOf(command)} on ${server}. Another program uses the same names: ` +
          "remove that key, or choose another `prefix`"
      ]
    case "NOAUTH":
      return ["refused", `${server} wants a password: redis://user:password@host, or the option \`password\``]
    case "WRONGPASS":
      return ["refused", `${server} does not accept this user and password`]
    case "NOPERM":
      return [
        "refused",
        `this user has not all rights on ${server} that are needed (${message}). See its ACL`
      ]
    case "DENIED":
      return [
        "refused",
        `${server} accepts no connections from elsewhere (protected mode). Set a password there`
      ]
    case "CROSSSLOT":
      return ["refused", `${server} is a cluster, and was asked for keys of several slots: ${message}`]
    case "READONLY":
      // Whoever connects is told at once; so it was the primary before.
      return [
        "unavailable",
        `${server} has become a read-only replica. After a failover the primary is found again under its name soon; ` +
          "else connect to the primary"
      ]
    case "LOADING":
      return ["unavailable", `${server} is still loading its data. Try again soon`]
    case "MOVED":
    case "ASK":
      return [
        "unavailable",
        `a key lies elsewhere in the cluster now (${message}). Try again; connect with redis+cluster:// if this is not ` +
          "for a moment only"
      ]
    case "CLUSTERDOWN":
      return ["unavailable", `the cluster of ${server} does not serve all its slots: ${message}`]
    case "MISCONF":
      return ["unavailable", `${server} cannot write to its disk, and takes nothing until it can: ${message}`]
    case "BUSY":
    case "MASTERDOWN":
    case "NOREPLICAS":
    case "TRYAGAIN":
    case "UNBLOCKED":
      return ["unavailable", `${server} cannot do it now: ${message}`]
  }
  if (/max number of clients/.test(message)) {
    return ["unavailable", `${server} has no room for another connection (maxclients)`]
  }
  if (/proto-max-bulk-len|invalid bulk length/.test(message)) {
    return ["full", `a value is larger than ${server} takes (proto-max-bulk-len; 512 MiB by default)`]
  }
  if (/cluster support disabled/.test(message)) {
    return ["refused", `${server} is not a cluster. Connect with redis:// in place of redis+cluster://`]
  }
  if (/@?user_script/.test(message)) {
    return [
      "corrupt",
      unreadable(`what is kept of a run cannot be read${keysOf(command)} (${message})`, server)
    ]
  }
  if (/DB index is out of range/.test(message)) return ["refused", `${server} has no such database`]
  return ["refused", `${server} answered: ${message}`]
}

/** What came instead of an answer. */
const ofConnection = ({ code = "", message, name }: Failed, operation: string, server: string): Finding => {
  if (name === "ParserError" || /^(Unknown RESP type|Protocol error)/.test(message)) {
    return [
      "refused",
      `what answers at ${server} does not speak as Redis does. Look at host and port; if it wants TLS, connect with ` +
        "rediss://"
    ]
  }
  switch (code) {
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return [
        "unavailable",
        `there is no host of that name: ${server} (${code}). Look at the URL, and the network`
      ]
    case "ECONNREFUSED":
      return [
        "unavailable",
        `nothing listens at ${server} (${code}). Is Redis running there, and the port right?`
      ]
    case "ETIMEDOUT":
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return [
        "unavailable",
        `${server} does not answer (${code}). Look at host, port, firewall and security groups`
      ]
  }
  if (/^(CERT_|DEPTH_ZERO_SELF|SELF_SIGNED|UNABLE_TO_|ERR_TLS_CERT)/.test(code)) {
    return [
      "refused",
      `the certificate of ${server} is not trusted (${code}). Give the one of its authority as the option \`tls.ca\``
    ]
  }
  if (code === "EPROTO" || code.startsWith("ERR_SSL")) {
    return [
      "refused",
      `no TLS connection to ${server} (${code}). If it does not speak TLS, connect with redis://`
    ]
  }
  return [
    "unavailable",
    `the connection to ${server} is broken (${message})${
      operation === CONNECTING && !server.startsWith("rediss")
        ? "; if it wants TLS, connect with rediss://"
        : ""
    }`
  ]
}

/** The keys that a refused command was about, as far as it tells. */
const keysOf = (command: Failed["command"]): string => {
  if (command === undefined) return ""
  const { args, name } = command
  const isScript = /^(eval|evalsha|fcall)/i.test(name)
  // Of a script it is one of those that begin so.
  const keys = isScript ? args.slice(2, 2 + Number(args[1])).map((key) => `${key}:…`) : args.slice(0, 1)
  return keys.length === 0 ? "" : ` (${keys.map(String).join(", ")})`
}
