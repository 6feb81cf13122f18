/**
 * Facts about graphs that have no baseline: building one of 1,000,000 nodes, the bytes of a small one, and the memory
 * that a large reduction takes while it runs. A process of its own; prints JSON.
 */
import { GraphBuilder, GraphCodec } from "@weft/core"
import { inline, submit } from "weft"
import * as callers from "./callers.ts"
import type { Facts } from "./report.ts"
import { shapes } from "./shapes.ts"

const quick = process.argv[2] === "quick"
const MiB = 2 ** 20
const heap = () => {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed / MiB
}

const image = shapes(1, quick).find(({ name }) => name.startsWith("image"))!
const imageGraph = GraphBuilder.make(image.build(callers.weft), "image").graph
const imageBytes = GraphCodec.encode(imageGraph).bytes.length

const tree = shapes(1, quick).findLast(({ name }) => name.startsWith("tree"))!
const begun = performance.now()
const root = tree.build(callers.weft)
const { graph } = GraphBuilder.make(root, "large")
const buildMs = performance.now() - begun
const buildPeakMiB = process.resourceUsage().maxRSS / 1024
const leaves = (graph.size + 1) / 2

const before = heap()
let most = 0
await using handle = await submit(root, { engine: inline(), history: "none" })
const graphOnly = heap()
for await (const event of handle.events) {
  if (event.type === "completed" && Math.random() < 0.01) most = Math.max(most, heap())
}
await handle.result()

const facts: Facts = {
  imageNodes: imageGraph.size,
  imageBytes,
  builtNodes: graph.size,
  buildMs,
  buildPeakMiB,
  leaves,
  treeGraphMiB: graphOnly - before,
  treeRunMiB: Math.max(0, most - graphOnly)
}
process.stdout.write(JSON.stringify(facts))
