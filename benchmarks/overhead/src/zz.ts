import { inline, submit } from "weft"
import * as callers from "/work/wt-recording/benchmarks/overhead/src/callers.ts"
import { chain, fan, tree } from "/work/wt-recording/benchmarks/overhead/src/shapes.ts"
const module = new URL("file:///work/wt-recording/benchmarks/overhead/src/tasks.ts").href
const cpu = (s: NodeJS.CpuUsage) => { const u = process.threadCpuUsage(s as never); return (u.user + u.system) / 1000 }
const sample = async (shape: any, on: boolean) => {
  const nodes = shape.build(callers.weft)
  const s = process.threadCpuUsage()
  const h = await submit(nodes, { engine: inline(), module, metrics: on ? { upload: "stop" } : false })
  await h.result(); const r = cpu(s); await h[Symbol.asyncDispose]()
  return [r, cpu(s) - r]
}
for (const shape of [fan(10_000), tree(4096), chain(1000)]) {
  await sample(shape, true); await sample(shape, false); await sample(shape, true); await sample(shape, false)
  const on: number[] = [], off: number[] = [], after: number[] = []
  const until = performance.now() + 45_000
  while (performance.now() < until && on.length < 15) { const a = await sample(shape, true), b = await sample(shape, false); on.push(a[0]!); off.push(b[0]!); after.push(a[1]! - b[1]!) }
  const med = (v: number[]) => v.toSorted((a, b) => a - b)[v.length >> 1]!
  console.log(shape.name, "pairs", on.length, "on", med(on).toFixed(1), "off", med(off).toFixed(1), "min", Math.min(...on).toFixed(1), Math.min(...off).toFixed(1), "median ratio", med(on.map((x, i) => x / off[i]!)).toFixed(3), "min ratio", (Math.min(...on)/Math.min(...off)).toFixed(3), "after", med(after).toFixed(1))
}
