/**
 * A server program as a child process that cannot outlive this one.
 *
 * Between us and the program stands `sh`, which becomes the program after it has left a guard behind. The guard listens
 * to a pipe that only we hold. If the pipe ends before we have said that all is well, we are dead: it kills the program
 * and removes the program's folder.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { access, constants } from "node:fs/promises"
import { type AddressInfo, createServer } from "node:net"
import { delimiter, join } from "node:path"
import type { Writable } from "node:stream"

/** `$0` is the folder, `$@` the program with its arguments, descriptor 3 our pipe. */
const GUARDED = `(trap '' HUP INT TERM; read -r _ <&3 || { kill -9 $$; rm -rf "$0"; }) >/dev/null 2>&1 &
exec "$@" 3<&-`

/** What a server that failed has printed last, in characters. */
const SHOWN = 4_000

/** The running program. */
export class ServerProcess {
  readonly #child: ChildProcess
  readonly #closed: Promise<unknown>
  #output = ""

  /** `folder` is removed if this process dies without having ended the program. */
  constructor(program: string, args: ReadonlyArray<string>, folder: string) {
    this.#child = spawn("sh", ["-c", GUARDED, folder, program, ...args], {
      stdio: ["ignore", "pipe", "pipe", "pipe"]
    })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#output = (this.#output + text).slice(-SHOWN)
      })
    }
    const guard = this.#child.stdio[3] as Writable
    guard.on("error", () => {})
    this.#child.once("exit", () => guard.end("\n"))
    this.#closed = once(this.#child, "close")
    // Whoever waits for its end is told.
    this.#closed.catch(() => {})
  }

  /** Of the program itself. */
  get pid(): number {
    return this.#child.pid!
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** The last that it printed. */
  get output(): string {
    return this.#output
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Sends the signal and waits until it has ended. */
  async end(signal: NodeJS.Signals): Promise<void> {
    this.signal(signal)
    await this.#closed
  }
}

/** The first of these programs that is on the PATH. */
export const findProgram = async (names: ReadonlyArray<string>): Promise<string | undefined> => {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    for (const name of names) {
      const path = join(folder, name)
      if (
        await access(path, constants.X_OK).then(
          () => true,
          () => false
        )
      )
        return path
    }
  }
  return undefined
}

/** Ports that nobody listened on a moment ago. */
export const freePorts = async (count: number): Promise<ReadonlyArray<number>> => {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"))
  await Promise.all(servers.map((server) => once(server, "listening")))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => once(server.close(), "close")))
  return ports
}
