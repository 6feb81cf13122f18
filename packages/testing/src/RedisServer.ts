/** A Redis or Valkey server of one's own. */
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { Redis } from "ioredis"
import { makeCertificate } from "./Certificate.ts"
import { findProgram, freePorts, ServerProcess } from "./ServerProcess.ts"

export interface RedisServerOptions {
  /** Settings by their names in redis.conf, as `{ appendonly: "yes", maxmemory: "10mb", replicaof: "127.0.0.1 7000" }`. */
  readonly config?: Readonly<Record<string, string>>
  /** Whether it speaks TLS only, with a certificate that it signed itself. Default false. */
  readonly tls?: boolean
}

/** How long a server may take to answer, in ms. */
const STARTED_WITHIN_MS = 15_000
const ATTEMPTS = 5

/** Starts a server in an empty temporary folder, on a free port of 127.0.0.1, and waits until it answers. */
export const startRedis = async (options: RedisServerOptions = {}): Promise<RedisServer> => {
  const program = await findProgram(["redis-server", "valkey-server"])
  if (program === undefined) {
    throw new Error(
      "This needs a Redis or Valkey server: install redis-server 7 or later, or valkey-server, so that it is on the " +
        "PATH (Debian, Ubuntu: apt-get install redis-server; macOS: brew install redis)."
    )
  }
  const folder = await mkdtemp(join(tmpdir(), "weft-redis-"))
  try {
    const tls = options.tls === true ? await makeCertificate(folder) : undefined
    const config = {
      save: "",
      appendonly: "no",
      ...(tls && { "tls-cert-file": tls.certificate, "tls-key-file": tls.key, "tls-auth-clients": "no" }),
      ...options.config
    }
    for (let attempt = 1; ; attempt++) {
      const [port, busPort] = await freePorts(2)
      const server = new RedisServer(program, folder, config, {
        port: port!,
        busPort: busPort!,
        ca: tls && (await readFile(tls.certificate, "utf8"))
      })
      try {
        await server.start()
        return server
      } catch (error) {
        // Somebody else was given the port meanwhile.
        if (attempt === ATTEMPTS || !/Address already in use|Failed listening/.test(String(error)))
          throw error
      }
    }
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

/** It ends with its `stop`, and with this process however that ends. */
export class RedisServer implements AsyncDisposable {
  readonly host = "127.0.0.1"
  readonly port: number
  /** Where it meets the other nodes, if it is one of a cluster. */
  readonly busPort: number
  /** The certificate that its clients have to trust, as PEM, if it speaks TLS. */
  readonly ca: string | undefined
  readonly #program: string
  readonly #folder: string
  readonly #config: Readonly<Record<string, string>>
  #process: ServerProcess | undefined
  #client: Redis | undefined

  constructor(
    program: string,
    folder: string,
    config: Readonly<Record<string, string>>,
    {
      busPort,
      ca,
      port
    }: { readonly port: number; readonly busPort: number; readonly ca: string | undefined }
  ) {
    this.#program = program
    this.#folder = folder
    this.#config = config
    this.port = port
    this.busPort = busPort
    this.ca = ca
  }

  /** With the password, if it wants one. */
  get url(): string {
    const { requirepass } = this.#config
    const user = requirepass === undefined ? "" : `:${encodeURIComponent(requirepass)}@`
    return `${this.ca === undefined ? "redis" : "rediss"}://${user}${this.host}:${this.port}`
  }

  get pid(): number | undefined {
    return this.#process?.pid
  }

  /** Starts it again, with the data that it had saved, under the same port. */
  async start(): Promise<void> {
    if (this.#process?.running) return
    const ports = this.ca === undefined ? { port: this.port } : { port: 0, "tls-port": this.port }
    const bus = this.#config["cluster-enabled"] === "yes" ? { "cluster-port": this.busPort } : {}
    const settings = {
      bind: this.host,
      dir: this.#folder,
      daemonize: "no",
      ...ports,
      ...bus,
      ...this.#config
    }
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)])
    this.#process = new ServerProcess(this.#program, args, this.#folder)
    try {
      await this.#answering(this.#process)
    } catch (error) {
      await this.kill()
      throw error
    }
  }

  /** Ends it as an administrator would, which saves what is to be saved, and starts it again. */
  async restart(): Promise<void> {
    await this.#end("SIGTERM")
    await this.start()
  }

  /** Ends it with SIGKILL, as if the machine had lost power. `start` brings it back. */
  kill(): Promise<void> {
    return this.#end("SIGKILL")
  }

  /** Stops its time: it holds its connections, and does not answer until `resume`. */
  pause(): void {
    this.#process?.signal("SIGSTOP")
  }

  resume(): void {
    this.#process?.signal("SIGCONT")
  }

  /** Sends one command, as the default user. */
  async command(name: string, ...args: ReadonlyArray<string | number>): Promise<unknown> {
    this.#client ??= this.#connect(3)
    return this.#client.call(name, [...args])
  }

  /** Ends it, and removes its data. */
  async stop(): Promise<void> {
    await this.kill()
    await rm(this.#folder, { recursive: true, force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    this.#client?.disconnect()
    this.#client = undefined
    await this.#process?.end(signal)
    this.#process = undefined
  }

  #connect(retries: number): Redis {
    const client = new Redis(this.url, {
      lazyConnect: true,
      maxRetriesPerRequest: retries,
      enableReadyCheck: false,
      retryStrategy: (times) => (times > retries ? null : 10),
      ...(this.ca !== undefined && { tls: { ca: this.ca } })
    })
    // Told to whoever waits for the command, too.
    client.on("error", () => {})
    return client
  }

  async #answering(server: ServerProcess): Promise<void> {
    const deadline = Date.now() + STARTED_WITHIN_MS
    for (;;) {
      const client = this.#connect(0)
      const answer = await client.ping().catch((error: Error) => error.message)
      client.disconnect()
      // What is not allowed to us is an answer too, as is that of a replica without its master.
      if (/^(PONG|NOAUTH|NOPERM|WRONGPASS|MASTERDOWN)/.test(answer)) return
      if (!server.running || Date.now() > deadline) {
        throw new Error(
          `${this.#program} did not start (its last answer: ${answer}). It printed:\n${server.output}`
        )
      }
      await setTimeout(10)
    }
  }
}
