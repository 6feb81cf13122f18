/**
 * A gate that tasks come to and wait at until all are there: so that workers are busy at the same moment, whatever time they
 * took to start, and use no CPU meanwhile.
 */
import { createServer, type Socket } from "node:net"
import { createInterface } from "node:readline"
import type { Arrival } from "./attend.ts"

export interface Gate extends AsyncDisposable {
  readonly port: number
  /** Resolves when so many tasks are here; gives them as they came. */
  readonly full: Promise<ReadonlyArray<Arrival>>
  /** Lets all go on, also those that come later. */
  readonly open: () => void
}

export const makeGate = async (count: number): Promise<Gate> => {
  const waiting = new Set<Socket>()
  const arrived = new Map<number, Arrival>()
  const full = Promise.withResolvers<ReadonlyArray<Arrival>>()
  let isOpen = false
  const server = createServer((socket) => {
    waiting.add(socket)
    socket.on("error", () => {}).on("close", () => waiting.delete(socket))
    createInterface(socket).once("line", (line) => {
      const arrival = JSON.parse(line) as Arrival
      if (!arrived.has(arrival.index)) arrived.set(arrival.index, arrival)
      if (isOpen) socket.end()
      if (arrived.size === count) full.resolve([...arrived.values()])
    })
  })
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening))
  const { port } = server.address() as { readonly port: number }
  const open = () => {
    isOpen = true
    for (const socket of waiting) socket.end()
  }
  return {
    port,
    full: full.promise,
    open,
    [Symbol.asyncDispose]: async () => {
      open()
      for (const socket of waiting) socket.destroy()
      await new Promise((closed) => server.close(closed))
    }
  }
}
