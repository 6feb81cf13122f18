/** What a Redis server is told, counted where it arrives. */
import { Redis } from "ioredis"

/** What was sent to the server while something was done. */
export interface Counted {
  /** Commands, by name. What scripts call is none. */
  readonly commands: ReadonlyMap<string, number>
  readonly total: number
  /** Bytes that the server was sent. */
  readonly bytes: number
}

/** Counts the commands that clients send, and their bytes, while `work` goes on. */
export const count = async <A>(url: string, work: () => Promise<A>): Promise<readonly [A, Counted]> => {
  const control = new Redis(url)
  const monitor = await control.monitor()
  const commands = new Map<string, number>()
  let ended = (): void => {}
  const end = new Promise<void>((resolve) => {
    ended = resolve
  })
  monitor.on("monitor", (_time: string, args: ReadonlyArray<string>, source: string) => {
    const name = args[0]?.toUpperCase() ?? ""
    if (name === "ECHO" && args[1] === END) ended()
    if (source === "lua" || name === "INFO" || name === "ECHO") return
    commands.set(name, (commands.get(name) ?? 0) + 1)
  })
  try {
    const before = await bytesOf(control)
    const result = await work()
    const after = await bytesOf(control)
    // When this comes, all that came before it has come.
    await control.echo(END)
    await end
    const total = commands.values().reduce((sum, one) => sum + one, 0)
    return [result, { commands, total, bytes: after - before - INFO_BYTES }]
  } finally {
    monitor.disconnect()
    control.disconnect()
  }
}

const END = "the end of what is counted"
/** The bytes of the `INFO stats` that asks for the number itself. */
const INFO_BYTES = Buffer.byteLength("*2\r\n$4\r\ninfo\r\n$5\r\nstats\r\n")

const bytesOf = async (redis: Redis): Promise<number> => {
  const found = /total_net_input_bytes:(\d+)/.exec(await redis.info("stats"))
  if (found === null) throw new Error("the server does not tell how many bytes it was sent")
  return Number(found[1])
}

/** What scripts cost here and now, in µs: one after another, and each of a hundred that are sent together. */
export const rawCost = async (
  url: string
): Promise<{ readonly roundTrip: number; readonly pipelined: number }> => {
  const redis = new Redis(url)
  try {
    const hash = String(await redis.script("LOAD", "return redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])"))
    const evaluate = (i: number) => redis.evalsha(hash, 1, "raw", String(i % 100), "value")
    for (let i = 0; i < 1000; i++) await evaluate(i)
    const alone = await timed(2000, async () => {
      for (let i = 0; i < 2000; i++) await evaluate(i)
    })
    const together = await timed(20_000, async () => {
      for (let i = 0; i < 200; i++) await Promise.all(Array.from({ length: 100 }, (_, j) => evaluate(j)))
    })
    await redis.del("raw")
    return { roundTrip: alone, pipelined: together }
  } finally {
    redis.disconnect()
  }
}

const timed = async (calls: number, work: () => Promise<void>): Promise<number> => {
  const begun = performance.now()
  await work()
  return ((performance.now() - begun) * 1000) / calls
}
