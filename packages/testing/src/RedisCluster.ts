/** A Redis Cluster of one's own. */
import { setTimeout } from "node:timers/promises"
import { type RedisServer, startRedis } from "./RedisServer.ts"

const SLOTS = 16_384
/** How long the nodes may take to agree, in ms. */
const AGREED_WITHIN_MS = 30_000

/** Masters that share all slots evenly, without replicas. */
export interface RedisCluster extends AsyncDisposable {
  readonly nodes: ReadonlyArray<RedisServer>
  /** `redis+cluster://`, with all nodes. */
  readonly url: string
  stop(): Promise<void>
}

/** Starts a cluster of so many masters, and waits until all of them serve it. */
export const startRedisCluster = async (
  masters = 3,
  config: Readonly<Record<string, string>> = {}
): Promise<RedisCluster> => {
  const settings = { "cluster-enabled": "yes", ...config }
  const started = await Promise.allSettled(
    Array.from({ length: masters }, () => startRedis({ config: settings }))
  )
  const nodes = started.flatMap((node) => (node.status === "fulfilled" ? [node.value] : []))
  const stop = async () => void (await Promise.all(nodes.map((node) => node.stop())))
  try {
    for (const node of started) if (node.status === "rejected") throw node.reason
    await join(nodes)
  } catch (error) {
    await stop()
    throw error
  }
  const url = `redis+cluster://${nodes.map(({ host, port }) => `${host}:${port}`).join(",")}`
  return { nodes, url, stop, [Symbol.asyncDispose]: stop }
}

const join = async (nodes: ReadonlyArray<RedisServer>): Promise<void> => {
  const first = (i: number) => Math.floor((i * SLOTS) / nodes.length)
  await Promise.all(
    nodes.map(async (node, i) => {
      await node.command("CLUSTER", "SET-CONFIG-EPOCH", i + 1)
      await node.command("CLUSTER", "ADDSLOTSRANGE", first(i), first(i + 1) - 1)
    })
  )
  // Everyone meets everyone: gossip would find them too, a second later.
  for (const [i, node] of nodes.entries()) {
    for (const [j, other] of nodes.entries()) {
      if (i < j) await node.command("CLUSTER", "MEET", other.host, other.port, other.busPort)
    }
  }
  const deadline = Date.now() + AGREED_WITHIN_MS
  for (const node of nodes) {
    for (;;) {
      const [info, others] = (await Promise.all([
        node.command("CLUSTER", "INFO"),
        node.command("CLUSTER", "NODES")
      ])) as [string, string]
      // Without all links published messages would not get everywhere.
      const links = others.match(/ connected( |$)/gm)?.length
      const agreed = info.includes("cluster_state:ok") && info.includes(`cluster_size:${nodes.length}`)
      if (agreed && links === nodes.length) break
      if (Date.now() > deadline) throw new Error(`the Redis Cluster does not come about:\n${info}\n${others}`)
      await setTimeout(20)
    }
  }
}
