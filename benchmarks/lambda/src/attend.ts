/** What tasks say when they come to a gate (see `gate.ts`), and what is known of the function that they run in. */
import { subscribe } from "node:diagnostics_channel"
import type { ClientRequest } from "node:http"
import { connect } from "node:net"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

/** A task that is at the gate. */
export interface Arrival {
  readonly index: number
  /** When its task began, in ms since the epoch. */
  readonly at: number
  readonly pid: number
  /** Invocations from the client to this one, both included; as the request's lineage tells. */
  readonly hops: number
  /** How many invocations its worker had sent by then. */
  readonly sent: number
}

/** Invocations that were sent from this environment since a task came to a gate. */
let sent = 0
subscribe("http.client.request.start", (message) => {
  const { request } = message as { readonly request: ClientRequest }
  if (/\/functions\/.*\/invocations/.test(request.path)) sent++
})

/** How often the function had been invoked before, in this chain of requests. */
const before = (): number => Number(/Lineage=[^;]*:(\d+)/.exec(process.env._X_AMZN_TRACE_ID ?? "")?.[1] ?? 0)

/** Whether hundreds of processes that wait have to fit into one machine. */
const isLean = process.env.WEFT_LEAN !== undefined
if (isLean) setFlagsFromString("--expose-gc")

/** Lets go of what starting has left behind. */
const collect = () => {
  if (isLean) runInNewContext("gc")({ type: "major", execution: "sync", flavor: "last-resort" })
}

/** Comes to the gate on that port of this machine, and waits there. */
export const attendGate = (port: number, index: number): Promise<number> => {
  const arrival: Arrival = { index, at: Date.now(), pid: process.pid, hops: before() + 1, sent }
  sent = 0
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1")
    socket.on("error", reject).on("end", () => resolve(index))
    socket.resume().write(`${JSON.stringify(arrival)}\n`, collect)
  })
}
