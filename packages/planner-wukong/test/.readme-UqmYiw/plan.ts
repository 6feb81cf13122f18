import { GraphBuilder, Planner, Predictions, task } from "@weft/core"
import { wukong } from "@weft/planner-wukong"
import { Effect } from "effect"

export const load = task("load", (name: string) => new Uint8Array(1000).fill(name.length))
export const half = task("half", (of: Uint8Array, which: number) => of[which * 500]!)
export const add = task("add", (a: number, b: number) => a + b)

const picture = load("sea.png")
const { graph } = GraphBuilder.make(add(half(picture, 0), half(picture, 1)), "pictures")
const plan = await Effect.runPromise(Planner.run(wukong({ largeOutputBytes: 1000 }), graph, Predictions.none))

for (const note of plan.notes) console.log(note)
for (const [id, { annotations }] of plan.nodes)
  console.log(graph.label(id), Object.keys(annotations ?? {}).join(", "))
